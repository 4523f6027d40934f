"""CPUs off line and back, under load: no thread, timer or interrupt is lost, none stands still."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, atomic, const, export, ptr, spin_hint, u8, u64, zeroed
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.interrupt import Routing, Source
from kernel.abi.methods import Method
from kernel.abi.ring import COMPLETION_CAPACITY, Completion, Operation, Submission
from kernel.abi.thread import ThreadState
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, await_state, do, expect, finish, make, spawn
from userspace.lib.memory import PAGE, unmap
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, yield_now
from userspace.lib.time import monotonic_ns

_CASES = const(7)
_HOGS = const(4)
_ROUNDS = const(100)
_SWITCHES = const(2000)                 # with as many different delays between off and on
_STEP = const(997)
_LONGEST = const(20_000)
_CPUS = const(8)
_RINGS = const(0x2000_0000)
_RING_STRIDE = const(0x10000)
_FAR = const(1 << 62)
_ANYWHERE = const(0xFFFF_FFFF_FFFF_FFFF)
_SLEEPS = const(100)
_NAP_NS = const(200_000)
_QUIET = const(3)                       # the second serial port's line: the machine does not have one
_INTERRUPTS = const(400)

_counters: array[atomic[u64], 8] = zeroed()
_is_over: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    _ = monotonic_ns()                  # finds the time page, before several threads look for it
    begin("off_and_on_under_load")
    _off_and_on_under_load()
    begin("timers_move")
    _timers_move()
    begin("sleepers_wake")
    _sleepers_wake()
    begin("timers_stop_on_their_way")
    _timers_stop_on_their_way()
    begin("interrupts_move")
    _interrupts_move()
    begin("last_cpu_stays")
    _last_cpu_stays()
    begin("refusals")
    _refusals()
    end()


def _cpu_count() -> u64:
    count: u64 = 0
    while count < _CPUS:
        status, _ = invoke(INSPECT, Method.INSPECT_IDLE_TIME, count)
        if status != Status.OK:
            break
        count += 1
    return count


def _hog(index: u64) -> None:
    while True:
        _ = _counters[index].fetch_add(1)


def _await_progress(index: u64) -> None:
    before = _counters[index].load()
    for _ in patience():
        if _counters[index].load() > before:
            return
        yield_now()
    check(False, "a thread stands still")


def _off_and_on_under_load() -> None:
    count = _cpu_count()
    hogs: array[u64, _HOGS] = zeroed()
    for index in range(u64(_HOGS)):
        hogs[index] = spawn(index, _hog)
    for number in range(u64(_ROUNDS)):
        if count == 1:
            break
        index = number % count
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 0)
        _await_progress(number % _HOGS)
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 1)
    for index in range(u64(_HOGS)):
        _await_progress(index)
        finish(hogs[index])


def _make_with_ring(index: u64, function: Callable[[u64], None]) -> u64:
    thread = make(index, function)
    do(thread, Method.THREAD_CREATE_RING, _ring_place(index), COMPLETION_CAPACITY)
    return thread


def _ring_place(index: u64) -> u64:
    return _RINGS + index * _RING_STRIDE


def _submit_timer(ring: ptr[Ring], deadline_ns: u64) -> None:
    entry = Submission(operation=u8(Operation.TIMER), deadline_ns=deadline_ns)
    _ = ring.submit(addr(entry))


def _timers_of(index: u64) -> u64:
    return ask(INSPECT, Method.INSPECT_TIMERS, index)


def _leave_timer(index: u64) -> None:
    """Starts a timer on the CPU that it is bound to, and waits for it on whichever it may run then."""
    ring: Ring = zeroed()
    open_ring(addr(ring), _ring_place(index))
    _submit_timer(addr(ring), _FAR)
    _ = ring.enter(1, 1)


def _timers_move() -> None:
    """A timer of a CPU that goes off line is another CPU's, and can be stopped there."""
    count = _cpu_count()
    for index in range(u64(1), count):
        thread = _make_with_ring(0, _leave_timer)
        do(thread, Method.THREAD_SET_AFFINITY, 0, 1 << index)
        do(thread, Method.THREAD_START)
        await_state(thread, ThreadState.WAITING)
        check_numbered(u64(_timers_of(index) != 0), 1, "the timer is on CPU", index)
        do(thread, Method.THREAD_SET_AFFINITY, 0, _ANYWHERE)
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 0)
        _await_no_timers(index)
        while _timers_of(0) == 0:
            yield_now()                 # it is on its way
        finish(thread)
        _hide_ring(0)
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 1)


def _hide_ring(index: u64) -> None:
    expect(unmap(OWN_PROCESS, _ring_place(index), 2 * PAGE), Status.OK, "unmap")


def _await_no_timers(index: u64) -> None:
    for _ in patience():
        if _timers_of(index) == 0:
            return
        yield_now()
    check_numbered(_timers_of(index), 0, "timers that are left on CPU", index)


def _sleep_shortly(index: u64) -> None:
    ring: Ring = zeroed()
    open_ring(addr(ring), _ring_place(index))
    completion: Completion = zeroed()
    for _ in range(_SLEEPS):
        _submit_timer(addr(ring), monotonic_ns() + _NAP_NS)
        _ = ring.enter(1, 1)
        if ring.next_completion(addr(completion)) and completion.status == Status.OK:
            _ = _counters[index].fetch_add(1)
    exit_thread(0)


def _stop_timers(index: u64) -> None:
    """Starts timers and cancels them for as long as it may; each ends by its cancel."""
    ring: Ring = zeroed()
    open_ring(addr(ring), _ring_place(index))
    completion: Completion = zeroed()
    while _is_over.load() == 0:
        _submit_timer(addr(ring), _FAR)
        entry = Submission(operation=u8(Operation.CANCEL))
        _ = ring.submit(addr(entry))
        _ = ring.enter(2, 2)
        is_cancelled = ring.next_completion(addr(completion)) and completion.status == Status.CANCELLED
        if not is_cancelled or not ring.next_completion(addr(completion)) or completion.status != Status.OK:
            exit_thread(1)
        _ = _counters[index].fetch_add(1)
    exit_thread(0)


def _switch_while_running(threads: ptr[u64], count: u64) -> None:
    """Takes each CPU off line in turn while threads of any CPU do something with timers."""
    cpus = _cpu_count()
    for number in range(u64(_ROUNDS)):
        index = number % cpus
        if cpus != 1:
            do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 0)
        for which in range(count):
            if ask(threads[which], Method.THREAD_STATE) != u64(ThreadState.ENDED):
                _await_progress(which)
        if cpus != 1:
            do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 1)


def _sleepers_wake() -> None:
    threads: array[u64, _HOGS] = zeroed()
    for index in range(u64(_HOGS)):
        _counters[index].store(0)
        threads[index] = _make_with_ring(index, _sleep_shortly)
        do(threads[index], Method.THREAD_START)
    cpus = _cpu_count()
    for number in range(u64(_SWITCHES)):
        if cpus != 1:
            # Now and then a CPU is on line again before it has done what being off line asks for.
            do(SYSTEM, Method.SYSTEM_SWITCH_CPU, number % cpus, 0)
            for _ in range(number * _STEP % _LONGEST):
                spin_hint()
            do(SYSTEM, Method.SYSTEM_SWITCH_CPU, number % cpus, 1)
    for index in range(u64(_HOGS)):
        await_state(threads[index], ThreadState.ENDED)
        check_numbered(_counters[index].load(), _SLEEPS, "naps of sleeper", index)
        expect(close(threads[index]), Status.OK, "close")
        _hide_ring(index)


def _timers_stop_on_their_way() -> None:
    threads: array[u64, _HOGS] = zeroed()
    for index in range(u64(_HOGS)):
        _counters[index].store(0)
        threads[index] = _make_with_ring(index, _stop_timers)
        do(threads[index], Method.THREAD_START)
    _switch_while_running(addr(threads[0]), _HOGS)
    _is_over.store(1)
    for index in range(u64(_HOGS)):
        await_state(threads[index], ThreadState.ENDED)
        check_numbered(ask(threads[index], Method.THREAD_EXIT_STATUS), 0, "what the cancels of a thread said", index)
        expect(close(threads[index]), Status.OK, "close")
        _hide_ring(index)


def _interrupts_move() -> None:
    """A line goes to another CPU while its own is off line, none is lost on the way, and then it comes back."""
    cpus = _cpu_count()
    status, interrupt = invoke(SYSTEM, Method.SYSTEM_CREATE_INTERRUPT, ROOT_ACCOUNT, _QUIET, Source.ISA)
    expect(status, Status.OK, "creation of an interrupt")
    last = cpus - 1
    do(interrupt, Method.INTERRUPT_ROUTE, Routing.FIXED, last)
    _interrupt(interrupt)
    check_equal(ask(interrupt, Method.INTERRUPT_COUNT_OF_CPU, last), 1, "to the CPU that was asked for")
    if cpus != 1:
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, last, 0)
        _interrupt(interrupt)
        check_equal(ask(interrupt, Method.INTERRUPT_COUNT_OF_CPU, last), 1, "not to a CPU off line")
        check_equal(ask(interrupt, Method.INTERRUPT_COUNT_OF_CPU, 0), 1, "to the first CPU")
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, last, 1)
        _interrupt(interrupt)
        check_equal(ask(interrupt, Method.INTERRUPT_COUNT_OF_CPU, last), 2, "back again")
        hog = spawn(1, _switch_last_cpu)
        for _ in range(_INTERRUPTS):
            _interrupt(interrupt)
        finish(hog)
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, last, 1)
        check_equal(ask(interrupt, Method.INTERRUPT_COUNT), _INTERRUPTS + 3, "interrupts that came")
    expect(close(interrupt), Status.OK, "close")


def _switch_last_cpu(index: u64) -> None:
    last = _cpu_count() - 1
    while True:
        _, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, last, 0)
        _, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, last, 1)


def _interrupt(interrupt: u64) -> None:
    """Returns when it has come."""
    before = ask(interrupt, Method.INTERRUPT_COUNT)
    do(interrupt, Method.INTERRUPT_IMITATE)
    for _ in patience():
        if ask(interrupt, Method.INTERRUPT_COUNT) != before:
            return
        yield_now()
    check(False, "an interrupt was lost")


def _last_cpu_stays() -> None:
    count = _cpu_count()
    for index in range(count - 1):
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 0)
    status, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, count - 1, 0)
    expect(status, Status.BUSY, "the last CPU")
    hog = spawn(1, _hog)
    _await_progress(1)
    finish(hog)
    for index in range(count - 1):
        do(SYSTEM, Method.SYSTEM_SWITCH_CPU, index, 1)


def _refusals() -> None:
    status, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, 255, 0)
    expect(status, Status.BAD_ARGUMENT, "a CPU that is not there")
    status, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, 1 << 32, 0)
    expect(status, Status.BAD_ARGUMENT, "a number that is no CPU's")
    status, _ = invoke(SYSTEM, Method.SYSTEM_SWITCH_CPU, 0, 2)
    expect(status, Status.BAD_ARGUMENT, "neither on nor off")
