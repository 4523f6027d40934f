"""What a ring's receives hold, so that a message can be posted at once: a place in the queue and an answer to owe.

While a caller waits for an answer that the ring's user owes, the ring's thread runs at the ceiling of the channel that
the call came through, or at a higher one's.

A receive waits on its channel only while it holds both; until it does it is on its ring's list `short`, and the user is
asked (NEED_KICK) to enter the ring after reading completions and giving answers.
Locks: Ring.lock.
"""
from compiler.prelude import addr, const, fence, ptr, sizeof, u32, u64, wrap_add
from kernel.abi.ring import RingFlags
from kernel.caps.answer import Answer
from kernel.complete.latch import look_at_head, without
from kernel.complete.post import set_flag
from kernel.complete.queue import give_up_reservation, reserve
from kernel.complete.ring_block import Record, RecordState, Ring, RingAnswer
from kernel.core.channel_block import Channel
from kernel.core.thread_block import Thread
from kernel.core.thread_changes import update_priority

_GENERATION_SHIFT = const(32)


def equip(ring: ptr[Ring], receive: ptr[Record]) -> bool:
    """Gets what the next message needs. Returns False when the receive has to wait for it: it is PENDING then.

    Requires: it is the caller's.
    """
    if _take_both(ring, receive):
        return True
    _shorten(ring, receive)
    set_flag(ring, RingFlags.NEED_KICK)
    # Pairs with the consumer's fence between its store of the head and its look at the flag.
    fence("seq_cst")
    look_at_head(ring)
    if _take_both(ring, receive):
        _lengthen(ring, receive)
        return True
    receive.state.store(RecordState.PENDING, "seq_cst")
    return False


def take_short(ring: ptr[Ring]) -> ptr[Record] | None:
    """Takes all receives off the list, MOVING; linked by next_latched."""
    taken: ptr[Record] | None = None
    receive = ring.short
    while receive is not None:
        following = receive.next_latched
        if receive.state.cas(RecordState.PENDING, RecordState.MOVING, "acq_rel"):
            _lengthen(ring, receive)
            receive.next_latched = taken
            taken = receive
        receive = following
    return taken


def owe_answer(ring: ptr[Ring], receive: ptr[Record]) -> u64:
    """Makes the user of a receive's ring owe the answer to the call that it gets. Returns the token."""
    owed = ptr[RingAnswer](receive.holder)
    receive.holder = 0
    owed.is_owed = True
    ring.owed += 1
    target = receive.target
    assert target is not None
    owed.ceiling = ptr[Channel](target).ceiling
    # A caller that is gone has cleared this before it looks whether it raises anybody (end_debt).
    if owed.ceiling != 0 and owed.answer.caller.load("seq_cst") != 0:
        _begin_debt(ring, owed)
    return u64(owed.generation) << _GENERATION_SHIFT | _index_of(ring, owed)


def end_receive(ring: ptr[Ring], receive: ptr[Record]) -> None:
    """Gives up what a receive that ends still holds."""
    if receive.is_short:
        _lengthen(ring, receive)
    if receive.has_place:
        receive.has_place = False
        give_up_reservation(ring)
    if receive.holder != 0:
        _free(ring, ptr[RingAnswer](receive.holder))
        receive.holder = 0


def find_answer(ring: ptr[Ring], token: u64) -> ptr[RingAnswer] | None:
    """What a token names that the user of this ring was given and has not used."""
    index = token & 0xFFFF_FFFF
    if index >= u64(ring.places):
        return None
    owed = addr(ring.answers[index])
    return owed if owed.is_owed and u64(owed.generation) == token >> _GENERATION_SHIFT else None


def drop_answer(ring: ptr[Ring], owed: ptr[RingAnswer]) -> None:
    """It has been given, or nobody will give it."""
    owed.is_owed = False
    owed.generation = wrap_add(owed.generation, 1)
    ring.owed -= 1
    if owed.is_raising:
        _end_debt(ring, owed)
    _free(ring, owed)


def end_debt(answer: ptr[Answer]) -> None:
    """A caller is gone: the answer may still be given, but nobody is to be raised for it. Requires: no lock is held."""
    if answer.ring == 0:
        return
    ring = ptr[Ring](answer.ring)
    owed = ptr[RingAnswer](answer)
    with ring.lock:
        # It may be owed to another caller by now.
        if owed.is_raising and answer.caller.load("seq_cst") == 0:
            _end_debt(ring, owed)


def _begin_debt(ring: ptr[Ring], owed: ptr[RingAnswer]) -> None:
    owed.is_raising = True
    ring.raising += 1
    if owed.ceiling == ring.ceiling:
        ring.at_ceiling += 1
    elif owed.ceiling > ring.ceiling:
        _set_ceiling(ring, owed.ceiling, 1)


def _end_debt(ring: ptr[Ring], owed: ptr[RingAnswer]) -> None:
    owed.is_raising = False
    ring.raising -= 1
    if owed.ceiling != ring.ceiling:
        return
    ring.at_ceiling -= 1
    if ring.at_ceiling == 0:
        _find_ceiling(ring)


def _find_ceiling(ring: ptr[Ring]) -> None:
    highest: u32 = 0
    count: u32 = 0
    if ring.raising != 0:
        for index in range(u64(ring.places)):
            owed = addr(ring.answers[index])
            if owed.is_raising and owed.ceiling > highest:
                highest = owed.ceiling
                count = 0
            if owed.is_raising and owed.ceiling == highest:
                count += 1
    _set_ceiling(ring, highest, count)


def _set_ceiling(ring: ptr[Ring], ceiling: u32, count: u32) -> None:
    above = max(ring.ceiling, ceiling)
    ring.ceiling = ceiling
    ring.at_ceiling = count
    # Pairs with the lock in update_priority(): whoever changes the thread's own priority looks at the ceiling after.
    fence("seq_cst")
    owner = ring.thread
    if owner is not None and above > ptr[Thread](owner).own_priority:
        update_priority(ptr[Thread](owner))


def _take_both(ring: ptr[Ring], receive: ptr[Record]) -> bool:
    if receive.left != 1 and not receive.has_place:
        if not reserve(ring):
            return False
        receive.has_place = True
    if receive.holder == 0:
        if ring.free_answer == 0:
            return False
        owed = addr(ring.answers[ring.free_answer - 1])
        ring.free_answer = owed.next_free
        receive.holder = u64(owed)
    return True


def _free(ring: ptr[Ring], owed: ptr[RingAnswer]) -> None:
    owed.next_free = ring.free_answer
    ring.free_answer = u32(_index_of(ring, owed)) + 1


def _index_of(ring: ptr[Ring], owed: ptr[RingAnswer]) -> u64:
    return (u64(owed) - u64(ring.answers)) // sizeof(RingAnswer)


def _shorten(ring: ptr[Ring], receive: ptr[Record]) -> None:
    receive.is_short = True
    receive.next_latched = ring.short
    ring.short = receive


def _lengthen(ring: ptr[Ring], receive: ptr[Record]) -> None:
    receive.is_short = False
    ring.short = without(ring.short, receive)
