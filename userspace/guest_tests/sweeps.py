"""A process of many threads is frozen, let go and killed, while a thread of another priority keeps its beat.

Run under -icount, where one instruction is one nanosecond and the host's load plays no part
(tests/guest/test_shares.py).
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, atomic, const, export, ptr, u8, u64, zeroed
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind, ProcessState
from kernel.abi.ring import COMPLETION_CAPACITY, Completion, Operation, Submission
from kernel.abi.thread import ThreadState
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.guest_tests.threads import ask, await_state, do, expect, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(3)
_THREADS = const(10_000)
_BEAT_NS = const(100_000)
_LATEST_NS = const(1_000_000)           # after its time that a beat may come
_BEATER_PRIORITY = const(40)
_RING = const(0x2000_0000)
_NOWHERE = const(0x1000_0000)           # where the threads begin, and fault if they should run

_latest: atomic[u64] = 0
_beats: atomic[u64] = 0
_is_over: atomic[u64] = 0
_process: u64 = 0


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    beater = make(0, _beat)
    do(beater, Method.THREAD_SET_PRIORITY, _BEATER_PRIORITY)
    do(beater, Method.THREAD_CREATE_RING, _RING, COMPLETION_CAPACITY)
    do(beater, Method.THREAD_START)
    _make_process()
    begin("freeze")
    _latest.store(0)
    do(_process, Method.PROCESS_FREEZE)
    _await_process_state(ProcessState.FROZEN)
    _expect_beats()
    begin("thaw")
    do(_process, Method.PROCESS_THAW)
    _await_process_state(ProcessState.RUNNING)
    _expect_beats()
    begin("kill")
    do(_process, Method.PROCESS_KILL, 0)
    _await_process_state(ProcessState.ENDED)
    _expect_beats()
    check_equal(ask(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.THREAD), 2, "threads that are left")
    _is_over.store(1)
    await_state(beater, ThreadState.ENDED)
    end()


def _beat(index: u64) -> None:
    """Notes by how much it came too late at worst."""
    ring: Ring = zeroed()
    open_ring(addr(ring), _RING)
    due: u64 = _wait_until(addr(ring), 1)
    while _is_over.load() == 0:
        due += _BEAT_NS
        now = _wait_until(addr(ring), due)
        if now > due:
            _latest.store(max(_latest.load(), now - due))
            due = now
        _ = _beats.fetch_add(1)
    exit_thread(0)


def _wait_until(ring: ptr[Ring], deadline_ns: u64) -> u64:
    """Returns the time then, which is asked for on the thread's own behalf, not noted by who woke it."""
    _ = _complete(ring, deadline_ns)
    return _complete(ring, 1)


def _complete(ring: ptr[Ring], deadline_ns: u64) -> u64:
    entry = Submission(operation=u8(Operation.TIMER), deadline_ns=deadline_ns)
    completion: Completion = zeroed()
    check(ring.submit(addr(entry)), "submit")
    expect(ring.enter(1, 1), Status.OK, "enter")
    check(ring.next_completion(addr(completion)), "completion")
    return completion.word0


def _make_process() -> None:
    """Threads that have been started and are stopped before they run."""
    global _process
    name = b"crowd"
    status, _process = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_PROCESS, u64(addr(name[0])), u64(len(name)), OWN_PROCESS
    )
    expect(status, Status.OK, "creation of a process")
    for _ in range(_THREADS):
        status, thread = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, _process, _NOWHERE, _NOWHERE, 0)
        expect(status, Status.OK, "creation of a thread")
        do(thread, Method.THREAD_SUSPEND)
        do(thread, Method.THREAD_START)
        expect(close(thread), Status.OK, "close")


def _await_process_state(wanted: ProcessState) -> None:
    while ask(_process, Method.PROCESS_STATE) != u64(wanted):
        yield_now()


def _expect_beats() -> None:
    """The beat went on, and never came much too late."""
    before = _beats.load()
    while _beats.load() == before:
        yield_now()
    check_equal(_latest.load() // _LATEST_NS, 0, "milliseconds by which the latest beat came too late")
    _latest.store(0)
