"""The queues of a channel: who calls and has not been received, and who receives and has got nothing.

Calls of a higher level are received first, calls of one level in the order in which they came. Every _TURN-th call
received is one of each level in turn if there is any, so the first call of a level is received after at most
_TURN * LEVELS others.
Locks: Channel.lock. Who takes a receiver has claimed it; a caller still waits, and may be killed any moment; a record
is MOVING, which makes it the taker's.
"""
from compiler.prelude import addr, const, ptr, requires, u32, u64, wrap_add
from kernel.caps import lease as leases
from kernel.caps.capability import NO_LEASE, Capability
from kernel.caps.lease import UseKind
from kernel.complete.ring_block import Record, RecordState
from kernel.core import wait
from kernel.core.chain import append, unlink
from kernel.core.channel_block import LEVELS, Channel
from kernel.core.thread_block import Thread, Wait

_TURN = const(8)


@requires("channel.lock")
def enqueue(caller: ptr[Thread], channel: ptr[Channel], given: ptr[Capability]) -> bool:
    """Returns False when the lease of the capability that it calls with has ended."""
    if given.lease != NO_LEASE:
        caller.call_use.kind = UseKind.CALL
        if not leases.add_use(addr(caller.call_use), given.lease, given.epoch):
            return False
        caller.call_lease = given.lease
    level = caller.call_level
    caller.call_order = _next_arrival(channel)
    channel.callers[level] = append(channel.callers[level], caller)
    caller.call_channel.store(u64(channel), "relaxed")
    # Full: counted before `receiver` is read again (I-CORE-8).
    _ = channel.queued.fetch_add(1, "seq_cst")
    return True


@requires("channel.lock")
def dequeue(caller: ptr[Thread], channel: ptr[Channel]) -> None:
    if caller.call_lease != NO_LEASE:
        caller.call_lease = NO_LEASE
        _ = leases.remove_use(addr(caller.call_use))
    level = caller.call_level
    channel.callers[level] = unlink(channel.callers[level], caller)
    caller.call_channel.store(0, "relaxed")
    _ = channel.queued.fetch_sub(1, "seq_cst")


@requires("channel.lock")
def enqueue_record(record: ptr[Record], channel: ptr[Channel]) -> None:
    record.order = _next_arrival(channel)
    record.is_queued = True
    channel.records[record.level] = append(channel.records[record.level], record)
    _ = channel.queued.fetch_add(1, "seq_cst")


@requires("channel.lock")
def dequeue_record(record: ptr[Record], channel: ptr[Channel]) -> None:
    record.is_queued = False
    channel.records[record.level] = unlink(channel.records[record.level], record)
    _ = channel.queued.fetch_sub(1, "seq_cst")


@requires("channel.lock")
def take_caller(channel: ptr[Channel]) -> tuple[ptr[Thread] | None, ptr[Record] | None]:
    """Dequeues the next call that has not been withdrawn meanwhile: a thread's or a ring's, if there is one."""
    while channel.queued.load("relaxed") != 0:
        level = _next_level(channel)
        thread = channel.callers[level]
        record = channel.records[level]
        if thread is not None and (record is None or thread.call_order < record.order):
            dequeue(thread, channel)
            if thread.wait.load("seq_cst") == thread.call_wait:
                return thread, None
        elif record is not None:
            dequeue_record(record, channel)
            if record.state.cas(RecordState.PENDING, RecordState.MOVING, "acq_rel"):
                return None, record
    return None, None


@requires("channel.lock")
def take_receiver(channel: ptr[Channel]) -> ptr[Thread] | None:
    """Claims a thread that waits for a call."""
    word = u64(channel) | u64(Wait.RECEIVE)
    first = channel.receiver.load("seq_cst")
    if first != 0 and wait.claim(ptr[Thread](first), word):
        channel.receiver.store(0, "release")
        return ptr[Thread](first)
    server = channel.receivers
    while server is not None:
        channel.receivers = unlink(server, server)
        if wait.claim(server, word):
            return server
        server = channel.receivers
    return None


@requires("channel.lock")
def enqueue_receive(record: ptr[Record], channel: ptr[Channel]) -> None:
    record.is_queued = True
    channel.receives = append(channel.receives, record)


@requires("channel.lock")
def dequeue_receive(record: ptr[Record], channel: ptr[Channel]) -> None:
    record.is_queued = False
    channel.receives = unlink(channel.receives, record)


@requires("channel.lock")
def take_receive(channel: ptr[Channel]) -> ptr[Record] | None:
    """Takes a ring's operation that waits for a call."""
    record = channel.receives
    while record is not None:
        dequeue_receive(record, channel)
        if record.state.cas(RecordState.PENDING, RecordState.MOVING, "acq_rel"):
            return record
        record = channel.receives
    return None


@requires("channel.lock")
def _next_arrival(channel: ptr[Channel]) -> u64:
    channel.arrivals += 1
    return channel.arrivals


@requires("channel.lock")
def _next_level(channel: ptr[Channel]) -> u32:
    """Requires: a call is queued."""
    channel.taken = wrap_add(channel.taken, 1)
    favoured = channel.taken // _TURN % LEVELS
    if channel.taken % _TURN == 0 and _has_calls(channel, favoured):
        return favoured
    level = u32(LEVELS) - 1
    while not _has_calls(channel, level):
        level -= 1
    return level


@requires("channel.lock")
def _has_calls(channel: ptr[Channel], level: u32) -> bool:
    return channel.callers[level] is not None or channel.records[level] is not None
