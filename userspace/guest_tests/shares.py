"""Who gets how much CPU time: equal threads, more hogs than CPUs, capped accounts; and times that add up.

Run under -icount, where the host's load plays no part (tests/guest/test_shares.py). With several CPUs QEMU then runs
one after the other, and a timer of one may wait while another runs: the bounds are wider. Before QEMU 8.1 the first CPU
may use up the time until the next alarm, whosever it is, and the others get none until it sets an alarm or halts: the
thread that measures stays there, so that its alarms are set there.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, const, export, ptr, u8, u64, zeroed
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, OWN_THREAD, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import Resource
from kernel.abi.ring import Completion, Operation, Submission
from kernel.abi.thread import SchedulingClass, ThreadState
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import STACK_BYTES, ask, do, expect, make, stack_of
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, invoke

_CASES = const(8)
_HOGS = const(4)
_MS = const(1_000_000)
_PERIOD_NS = const(400 * _MS)
_OWN_PRIORITY = const(50)
_CPUS = const(8)

_ring: Ring = zeroed()


@export("main")
def main(ring: u64) -> u64:
    open_ring(addr(_ring), ring)
    do(OWN_THREAD, Method.THREAD_SET_PRIORITY, _OWN_PRIORITY)
    do(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    plan(_CASES)
    begin("equal_on_one_cpu")
    _equal_threads(1, 5)
    begin("equal_on_all_cpus")
    _equal_threads(0xFFFF_FFFF, 5 if _cpu_count() == 1 else u64(25))
    begin("alone_owes_nothing")
    _alone_owes_nothing()
    begin("idle_cpus_steal")
    _idle_cpus_steal()
    begin("times_add_up")
    _times_add_up()
    begin("by_priority")
    _two_priorities(SchedulingClass.PRIORITY)
    begin("in_rounds")
    _two_priorities(SchedulingClass.ROUND_ROBIN)
    begin("capped_account")
    _capped_account()
    end()


def _now() -> u64:
    """From a timer whose deadline has passed."""
    return _complete(1)


def _sleep(duration_ns: u64) -> None:
    _ = _complete(_now() + duration_ns)


def _complete(deadline_ns: u64) -> u64:
    entry = Submission(operation=u8(Operation.TIMER), deadline_ns=deadline_ns)
    completion: Completion = zeroed()
    check(_ring.submit(addr(entry)), "submit")
    expect(_ring.enter(1, 1), Status.OK, "enter")
    check(_ring.next_completion(addr(completion)), "completion")
    return completion.word0


def _hog(index: u64) -> None:
    while True:
        pass


def _make_hogs(mask: u64, hogs: ptr[u64], started: u64 = _HOGS) -> None:
    for index in range(u64(_HOGS)):
        hogs[index] = make(index, _hog)
        do(hogs[index], Method.THREAD_SET_AFFINITY, 0, mask)
    for index in range(started):
        do(hogs[index], Method.THREAD_START)


def _stop_hogs(hogs: ptr[u64]) -> u64:
    """All the time that they have had. Stopped threads have been charged all of it."""
    total: u64 = 0
    for index in range(u64(_HOGS)):
        do(hogs[index], Method.THREAD_SUSPEND)
    for index in range(u64(_HOGS)):
        _await_stop(hogs[index])
        total += ask(hogs[index], Method.THREAD_CPU_TIME)
    return total


def _await_stop(thread: u64) -> None:
    for _ in range(100):
        if ask(thread, Method.THREAD_STATE) == u64(ThreadState.STOPPED):
            return
        _sleep(_MS)
    check(False, "a suspended thread does not stop")


def _end_hogs(hogs: ptr[u64]) -> None:
    """Sleeps meanwhile: under -icount a CPU that never pauses keeps the others from running."""
    for index in range(u64(_HOGS)):
        do(hogs[index], Method.THREAD_KILL, 0)
        for _ in range(100):
            if ask(hogs[index], Method.THREAD_STATE) == u64(ThreadState.ENDED):
                break
            _sleep(_MS)
        check_equal(ask(hogs[index], Method.THREAD_STATE), u64(ThreadState.ENDED), "state of a killed thread")
        expect(close(hogs[index]), Status.OK, "close")


def _equal_threads(mask: u64, percent: u64) -> None:
    hogs: array[u64, _HOGS] = zeroed()
    _make_hogs(mask, addr(hogs[0]))
    _sleep(_PERIOD_NS)
    total = _stop_hogs(addr(hogs[0]))
    for index in range(u64(_HOGS)):
        mine = ask(hogs[index], Method.THREAD_CPU_TIME)
        fair = total // _HOGS
        off = mine - fair if mine > fair else fair - mine
        if off * 100 > fair * percent:
            check_numbered(mine // 1000, fair // 1000, "microseconds of an equal thread", index)
    _end_hogs(addr(hogs[0]))


def _alone_owes_nothing() -> None:
    """A thread that ran while nobody waited has its turns from the moment when somebody does."""
    hogs: array[u64, _HOGS] = zeroed()
    _make_hogs(1, addr(hogs[0]), 1)
    _sleep(100 * _MS)
    do(hogs[1], Method.THREAD_START)
    before = ask(hogs[0], Method.THREAD_CPU_TIME)
    _sleep(40 * _MS)
    had = ask(hogs[0], Method.THREAD_CPU_TIME) - before
    if had < 10 * _MS:
        check_equal(had // 1000, 20_000, "microseconds of the thread that was alone")
    _end_hogs(addr(hogs[0]))


def _two_priorities(scheduling: SchedulingClass) -> None:
    """On one CPU: the higher priority has all of it, or both have the same."""
    do(SYSTEM, Method.SYSTEM_SET_CLASS, 0, 1)
    status, _ = invoke(SYSTEM, Method.SYSTEM_SET_CLASS, 0, 1, u64(scheduling))
    expect(status, Status.OK, "a class of scheduling")
    hogs: array[u64, _HOGS] = zeroed()
    _make_hogs(1, addr(hogs[0]))
    for index in range(u64(_HOGS)):
        do(hogs[index], Method.THREAD_SET_PRIORITY, 10 + 10 * (index % 2))
    _sleep(20 * _MS)
    low, high = _times(addr(hogs[0]))
    _sleep(_PERIOD_NS)
    low_end, high_end = _times(addr(hogs[0]))
    had_low, had_high = low_end - low, high_end - high
    if scheduling == SchedulingClass.PRIORITY:
        check_equal(had_low // 1000, 0, "microseconds of the lower priority")
    else:
        percent: u64 = 5 if _cpu_count() == 1 else 25
        off = had_low - had_high if had_low > had_high else had_high - had_low
        if off * 100 > had_low * percent:
            check_equal(had_low // 1000, had_high // 1000, "microseconds of the lower priority")
    check(had_high > _PERIOD_NS // 4, "the higher priority runs")
    _end_hogs(addr(hogs[0]))
    do(SYSTEM, Method.SYSTEM_SET_CLASS, 0, 1)


def _times(hogs: ptr[u64]) -> tuple[u64, u64]:
    """What those of the lower priority have had, and the others."""
    low = ask(hogs[0], Method.THREAD_CPU_TIME) + ask(hogs[2], Method.THREAD_CPU_TIME)
    high = ask(hogs[1], Method.THREAD_CPU_TIME) + ask(hogs[3], Method.THREAD_CPU_TIME)
    return low, high


def _cpu_count() -> u64:
    count: u64 = 0
    while count < _CPUS:
        status, _ = invoke(INSPECT, Method.INSPECT_IDLE_TIME, count)
        if status != Status.OK:
            break
        count += 1
    return count


def _idle_time() -> u64:
    total: u64 = 0
    for index in range(_cpu_count()):
        total += ask(INSPECT, Method.INSPECT_IDLE_TIME, index)
    return total


def _idle_cpus_steal() -> None:
    """Hogs that begin on one CPU spread over all: none of them idles."""
    hogs: array[u64, _HOGS] = zeroed()
    _make_hogs(1, addr(hogs[0]))
    for index in range(u64(_HOGS)):
        do(hogs[index], Method.THREAD_SET_AFFINITY, 0, 0xFFFF_FFFF)
    _sleep(20 * _MS)
    before = _idle_time()
    _sleep(100 * _MS)
    idle = _idle_time() - before
    check(idle < 5 * _MS * _cpu_count(), "a CPU idles although threads wait")
    _ = _stop_hogs(addr(hogs[0]))
    _end_hogs(addr(hogs[0]))


def _times_add_up() -> None:
    """All threads' times and the idle times are the time that has passed on all CPUs, within a hundredth."""
    hogs: array[u64, _HOGS] = zeroed()
    idle = _idle_time()
    own = ask(OWN_THREAD, Method.THREAD_CPU_TIME)
    began = _now()
    _make_hogs(0xFFFF_FFFF, addr(hogs[0]))
    _sleep(100 * _MS)
    busy = _stop_hogs(addr(hogs[0]))
    _sleep(100 * _MS)
    passed = (_now() - began) * _cpu_count()
    accounted = busy + _idle_time() - idle + ask(OWN_THREAD, Method.THREAD_CPU_TIME) - own
    off = accounted - passed if accounted > passed else passed - accounted
    if off * 100 > passed:
        check_equal(accounted // 1000, passed // 1000, "microseconds of all threads and idle CPUs")
    _end_hogs(addr(hogs[0]))


def _capped_account() -> None:
    """A quarter of one CPU for two hogs of an account, the rest for one outside."""
    account = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_ACCOUNT)
    do(account, Method.ACCOUNT_SET_LIMIT, u64(Resource.THREADS), 10)
    do(account, Method.ACCOUNT_SET_LIMIT, u64(Resource.OBJECTS), 10)
    do(account, Method.ACCOUNT_SET_HIGHEST_PRIORITY, 40)
    do(account, Method.ACCOUNT_SET_CPU_SHARE, 250)
    hogs: array[u64, _HOGS] = zeroed()
    for index in range(u64(_HOGS)):
        payer = account if index < 2 else u64(ROOT_ACCOUNT)
        status, hogs[index] = invoke(
            payer, Method.ACCOUNT_CREATE_THREAD, OWN_PROCESS, u64(_hog), stack_of(index) + STACK_BYTES - 8, index
        )
        expect(status, Status.OK, "creation")
    began = _now()
    for index in range(u64(_HOGS)):
        do(hogs[index], Method.THREAD_START)
    _sleep(2 * _PERIOD_NS)
    passed = _now() - began
    capped: u64 = 0
    _ = _stop_hogs(addr(hogs[0]))
    for index in range(u64(2)):
        capped += ask(hogs[index], Method.THREAD_CPU_TIME)
    off: u64 = 2 if _cpu_count() == 1 else 8
    if capped * 100 > passed * (25 + off) or capped * 100 < passed * (25 - off):
        check_equal(capped // 1000, passed // 4000, "microseconds of a quarter")
    _end_hogs(addr(hogs[0]))
    expect(close(account), Status.OK, "close")
