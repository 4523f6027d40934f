"""Orders of two CPUs that post events and one that reads completions: kernel/complete/{latch,post,queue}.py,
kernel/submit/enter.py and userspace/lib/ring.py, and variants that are wrong on purpose.

A persistent watch gets four events, two from each poster. The reader either polls or waits in ring_enter.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, u8, u64
from kernel.abi.ring import Completion, RingFlags, SubmissionFlags
from kernel.complete.latch import post_event
from kernel.complete.post import set_flag
from kernel.core import schedule
from kernel.submit import ring_wait
from tests.host.explore import ring_state as state
from tests.host.explore.explorer import Scenario, explore

_completion: Completion = Completion()
_told: u64 = 0                          # events that the reader has heard of
_bits: u64 = 0


def explore_polling(most: u64) -> tuple[u64, bool]:
    return _explore(_post_first, _post_second, _poll, most)


def explore_waiting(most: u64) -> tuple[u64, bool]:
    return _explore(_post_first, _post_second, _wait, most)


def explore_without_kick(most: u64) -> tuple[u64, bool]:
    """A reader that never looks whether events were folded."""
    return _explore(_post_first, _post_second, _poll_without_kick, most)


def explore_without_second_look(most: u64) -> tuple[u64, bool]:
    """A poster that folds an event and does not look again whether the completion has been read meanwhile."""
    return _explore(_post_without_look, _post_second, _poll, most)


def explore_careless_wait(most: u64) -> tuple[u64, bool]:
    """A reader that begins to wait without another look under the ring's lock."""
    return _explore(_post_first, _post_second, _wait_carelessly, most)


def explore_fold_without_lock(most: u64) -> tuple[u64, bool]:
    """A poster that counts an event outside of the ring's lock."""
    return _explore(_post_without_lock, _post_second, _poll, most)


def _explore(
    first: Callable[[], None], second: Callable[[], None], reader: Callable[[], None], most: u64
) -> tuple[u64, bool]:
    scenario = Scenario(
        prepare=_prepare, tasks=array(first, second, reader, reader), count=3, is_right=_is_right, holds=state.adds_up
    )
    return explore(addr(scenario), most)


def _prepare() -> None:
    global _told, _bits
    state.prepare(2)
    state.watch(0, u8(SubmissionFlags.PERSISTENT), 1, 15)
    _told = 0
    _bits = 0


def _is_right() -> bool:
    """Every event was told once or lies unread, nothing is folded behind the reader's back, no wait goes on in vain."""
    record = addr(state.records[0])
    if record.folded != 0 and state.user.unread() == 0:
        return False
    if not state.is_wait_right():
        return False
    while state.read(addr(_completion)):
        _note()
    return _told == 4 and _bits == 15


def _note() -> None:
    global _told, _bits
    _told += _completion.badge
    _bits |= _completion.word0


def _post_first() -> None:
    _post(1)
    _post(2)


def _post_second() -> None:
    _post(4)
    _post(8)


def _post(bits: u64) -> None:
    thread = post_event(addr(state.records[0]), bits)
    if thread is not None:
        schedule.make_ready(thread)


def _poll() -> None:
    while state.read(addr(_completion)):
        _note()


def _wait() -> None:
    while _told != 4:
        if state.read(addr(_completion)):
            _note()
        else:
            state.wait_for(1)


def _wait_carelessly() -> None:
    while state.read(addr(_completion)):
        _note()
    with state.ring.lock:
        state.ring.wanted = 1
        _ = ring_wait.begin(addr(state.ring), addr(state.thread), 0)
    schedule.leave()


def _poll_without_kick() -> None:
    while state.user.next_completion(addr(_completion)):
        _note()


def _post_without_look() -> None:
    _fold_without_look(1)
    _fold_without_look(2)


def _fold_without_look(bits: u64) -> None:
    record = addr(state.records[0])
    with state.ring.lock:
        if record.is_latched:
            record.folded += 1
            record.folded_bits |= bits
            set_flag(addr(state.ring), RingFlags.NEED_KICK)
            return
    _post(bits)


def _post_without_lock() -> None:
    _fold_without_lock(1)
    _fold_without_lock(2)


def _fold_without_lock(bits: u64) -> None:
    record = addr(state.records[0])
    if not record.is_latched:
        _post(bits)
        return
    folded = record.folded
    set_flag(addr(state.ring), RingFlags.NEED_KICK)
    record.folded = folded + 1
    record.folded_bits |= bits
