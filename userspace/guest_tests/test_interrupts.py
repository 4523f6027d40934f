"""Interrupts from outside: made, shared, delivered, acknowledged, routed, held back, and taken over from the dead."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import const, export, spin_hint, u64
from kernel.abi.bootinfo import INSPECT, OWN_THREAD, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.interrupt import COUNTED_CPUS, InterruptState, Routing, Source
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.lib.syscall import close, invoke, yield_now

_CASES = const(9)
_TIMER = const(0)                       # ISA lines: the interval timer, which the firmware leaves running
_QUIET = const(3)                       # the second serial port, which the machine does not have
_LEVEL_LINE = const(20)                 # of the I/O APIC: for PCI, and no device here uses it
_ROUNDS = const(24)
_STORM_TRIES = const(3_000_000)


@export("main")
def main(ring: u64) -> None:
    plan(_CASES)
    _refused()
    _exclusive_and_shared()
    _message()
    _real_timer()
    _level_line_waits_for_all()
    _fixed_and_round_robin()
    _broadcast()
    _storm()
    _driver_dies()
    end()


def _give_way() -> None:
    """To whatever is waited for; an emulator that runs one CPU after the other goes on to the next."""
    spin_hint()
    yield_now()


def _create(line: u64, source: u64) -> u64:
    status, handle = invoke(SYSTEM, Method.SYSTEM_CREATE_INTERRUPT, ROOT_ACCOUNT, line, source)
    check_equal(u64(status), Status.OK, "creation")
    return handle


def _refuse(line: u64, source: u64, wanted: u64) -> None:
    status, _ = invoke(SYSTEM, Method.SYSTEM_CREATE_INTERRUPT, ROOT_ACCOUNT, line, source)
    check_equal(u64(status), wanted, "creation that is refused")


def _bound(interrupt: u64, bits: u64) -> u64:
    """A new notification that the interrupt signals."""
    _, notification = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    status, _ = invoke(interrupt, Method.INTERRUPT_BIND, notification, bits)
    check_equal(u64(status), Status.OK, "bind")
    return notification


def _take(notification: u64) -> u64:
    """Waits for bits."""
    while True:
        status, bits = invoke(notification, Method.NOTIFICATION_TAKE)
        if status == Status.OK:
            return bits
        _give_way()


def _ask(handle: u64, method: u64) -> u64:
    _, value = invoke(handle, method)
    return value


def _acknowledge(interrupt: u64) -> u64:
    status, _ = invoke(interrupt, Method.INTERRUPT_ACKNOWLEDGE)
    return u64(status)


def _imitate(interrupt: u64) -> None:
    """Returns when it has been counted."""
    before = _ask(interrupt, Method.INTERRUPT_COUNT)
    _, _ = invoke(interrupt, Method.INTERRUPT_IMITATE)
    while _ask(interrupt, Method.INTERRUPT_COUNT) == before:
        _give_way()


def _drop(handle: u64) -> None:
    _ = close(handle)


def _wait_until_gone() -> None:
    """The lines of closed interrupts are given back a little later."""
    while True:
        _, objects = invoke(INSPECT, Method.INSPECT_COUNT_OBJECTS, ObjectKind.INTERRUPT)
        if objects == 0:
            return
        _give_way()


def _refused() -> None:
    begin("refused")
    _refuse(0, 32, Status.BAD_ARGUMENT)
    _refuse(16, Source.ISA, Status.BAD_ARGUMENT)
    _refuse(_QUIET, Source.ISA | Source.LEVEL, Status.BAD_ARGUMENT)
    _refuse(100_000, 0, Status.BAD_ARGUMENT)
    _refuse(1, Source.MESSAGE, Status.BAD_ARGUMENT)
    _refuse(0, Source.MESSAGE | Source.SHARED, Status.BAD_ARGUMENT)
    interrupt = _create(0, Source.MESSAGE)
    check_equal(_acknowledge(interrupt), Status.WOULD_BLOCK, "nothing to acknowledge")
    _ = _bound(interrupt, 1)
    _, other = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    status, _ = invoke(interrupt, Method.INTERRUPT_BIND, other, 1)
    check_equal(u64(status), Status.BUSY, "a second bind")
    status, _ = invoke(interrupt, Method.INTERRUPT_ROUTE, Routing.FIXED, 255)
    check_equal(u64(status), Status.BAD_ARGUMENT, "no such CPU")
    status, _ = invoke(interrupt, Method.INTERRUPT_ROUTE, Routing.ROUND_ROBIN, 0)
    check_equal(u64(status), Status.BAD_ARGUMENT, "a way that a message cannot take")
    _drop(interrupt)


def _exclusive_and_shared() -> None:
    begin("exclusive_and_shared")
    alone = _create(_QUIET, Source.ISA)
    _refuse(_QUIET, Source.ISA, Status.BUSY)
    _refuse(_QUIET, Source.ISA | Source.SHARED, Status.BUSY)
    _drop(alone)
    _wait_until_gone()
    first = _create(_QUIET, Source.ISA | Source.SHARED)
    second = _create(_QUIET, Source.ISA | Source.SHARED)
    _refuse(_QUIET, Source.ISA, Status.BUSY)
    _refuse(_QUIET, Source.LEVEL | Source.SHARED, Status.BUSY)
    _drop(first)
    _drop(second)


def _message() -> None:
    begin("message")
    _wait_until_gone()
    interrupt = _create(0, Source.MESSAGE)
    message = _ask(interrupt, Method.INTERRUPT_MESSAGE)
    check((message & 0xFFF0_0000) == 0xFEE0_0000, "the address of a message")
    check(48 <= message >> 32 and message >> 32 < 248, "the vector of a message")
    notification = _bound(interrupt, 4)
    _imitate(interrupt)
    check_equal(_take(notification), 4, "the bits")
    _imitate(interrupt)
    check_equal(_ask(notification, Method.NOTIFICATION_PEEK), 0, "nothing is told before the acknowledgement")
    check_equal(_ask(interrupt, Method.INTERRUPT_STATE), InterruptState.UNACKNOWLEDGED, "state")
    check_equal(_acknowledge(interrupt), Status.OK, "acknowledgement")
    check_equal(_take(notification), 4, "what came meanwhile")
    check_equal(_acknowledge(interrupt), Status.OK, "second acknowledgement")
    check_equal(_acknowledge(interrupt), Status.WOULD_BLOCK, "third acknowledgement")
    _drop(interrupt)


def _real_timer() -> None:
    begin("real_timer")
    _wait_until_gone()
    interrupt = _create(_TIMER, Source.ISA)
    check_equal(_ask(interrupt, Method.INTERRUPT_STATE), InterruptState.MASKED, "masked until somebody listens")
    notification = _bound(interrupt, 1)
    for _ in range(3):
        check_equal(_take(notification), 1, "a tick")
        check_equal(_acknowledge(interrupt), Status.OK, "acknowledgement")
    _drop(interrupt)


def _level_line_waits_for_all() -> None:
    begin("level_line_waits_for_all")
    _wait_until_gone()
    source: u64 = Source.LEVEL | Source.LOW | Source.SHARED
    first = _create(_LEVEL_LINE, source)
    second = _create(_LEVEL_LINE, source)
    one = _bound(first, 1)
    two = _bound(second, 2)
    _imitate(first)
    check_equal(_take(one), 1, "the first")
    check_equal(_take(two), 2, "the second")
    both: u64 = InterruptState.MASKED | InterruptState.UNACKNOWLEDGED
    check_equal(_ask(first, Method.INTERRUPT_STATE), both, "held back")
    check_equal(_acknowledge(first), Status.OK, "the first acknowledgement")
    check_equal(_ask(first, Method.INTERRUPT_STATE), InterruptState.MASKED, "held back for the other")
    check_equal(_acknowledge(second), Status.OK, "the second acknowledgement")
    check_equal(_ask(first, Method.INTERRUPT_STATE), 0, "open again")
    _imitate(first)
    check_equal(_take(two), 2, "again")
    check_equal(_acknowledge(first), Status.OK, "the first of two")
    _drop(second)
    while _ask(first, Method.INTERRUPT_STATE) != 0:
        _give_way()                     # the dead one has nothing to acknowledge any more
    _drop(first)


def _fixed_and_round_robin() -> None:
    begin("fixed_and_round_robin")
    _wait_until_gone()
    interrupt = _create(_QUIET, Source.ISA)
    notification = _bound(interrupt, 1)
    cpus: u64 = 0
    while True:
        status, _ = invoke(interrupt, Method.INTERRUPT_ROUTE, Routing.FIXED, cpus)
        if status != Status.OK:
            break
        before = _count(interrupt, cpus)
        _imitate(interrupt)
        check_equal(_count(interrupt, cpus), before + 1, "to the CPU that was asked for")
        cpus += 1
    status, _ = invoke(interrupt, Method.INTERRUPT_ROUTE, Routing.ROUND_ROBIN, 0)
    check_equal(u64(status), Status.OK, "round robin")
    for _ in range(_ROUNDS):
        _imitate(interrupt)
    for cpu in range(cpus):
        count = _count(interrupt, cpu)
        check(count - 1 >= _ROUNDS // cpus - 1 and count - 1 <= _ROUNDS // cpus + 1, "a fair part for each CPU")
    status, _ = invoke(interrupt, Method.INTERRUPT_COUNT_OF_CPU, COUNTED_CPUS)
    check_equal(u64(status), Status.BAD_ARGUMENT, "a CPU that is not counted")
    status, _ = invoke(interrupt, Method.INTERRUPT_ROUTE, Routing.LEAST_BUSY, 0)
    check_equal(u64(status), Status.OK, "least busy")
    for _ in range(_ROUNDS):
        _imitate(interrupt)
    check(_ask(interrupt, Method.INTERRUPT_COUNT) == cpus + 2 * _ROUNDS, "none was lost")
    _ = notification
    _drop(interrupt)


def _count(interrupt: u64, cpu: u64) -> u64:
    _, count = invoke(interrupt, Method.INTERRUPT_COUNT_OF_CPU, cpu)
    return count


def _broadcast() -> None:
    begin("broadcast")
    _wait_until_gone()
    interrupt = _create(_QUIET, Source.ISA)
    _ = _bound(interrupt, 1)
    cpus: u64 = 0
    while True:
        status, _ = invoke(interrupt, Method.INTERRUPT_ROUTE, Routing.FIXED, cpus)
        if status != Status.OK:
            break
        cpus += 1
    _, _ = invoke(interrupt, Method.INTERRUPT_ROUTE, Routing.BROADCAST, 0)
    for _ in range(_ROUNDS):
        wanted = _ask(interrupt, Method.INTERRUPT_COUNT) + cpus
        _, _ = invoke(interrupt, Method.INTERRUPT_IMITATE)
        while _ask(interrupt, Method.INTERRUPT_COUNT) != wanted:
            _give_way()
    for cpu in range(cpus):
        check_equal(_count(interrupt, cpu), _ROUNDS, "all to every CPU")
    _drop(interrupt)


def _storm() -> None:
    begin("storm")
    _wait_until_gone()
    interrupt = _create(_QUIET, Source.ISA)
    _ = _bound(interrupt, 1)
    # All on this CPU, so that each one has been delivered when the next is imitated.
    status, _ = invoke(interrupt, Method.INTERRUPT_ROUTE, Routing.FIXED, 0)
    check_equal(u64(status), Status.OK, "to the first CPU")
    status, _ = invoke(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    check_equal(u64(status), Status.OK, "to be where they come")
    for _ in range(_STORM_TRIES):
        _, _ = invoke(interrupt, Method.INTERRUPT_IMITATE)
        if _ask(interrupt, Method.INTERRUPT_STATE) & InterruptState.STORM != 0:
            break
    state = _ask(interrupt, Method.INTERRUPT_STATE)
    held_back: u64 = InterruptState.STORM | InterruptState.MASKED
    check_equal(state & held_back, held_back, "a line that comes too often is held back")
    check_equal(_acknowledge(interrupt), Status.OVER_LIMIT, "an acknowledgement does not end it")
    check(_ask(interrupt, Method.INTERRUPT_STATE) & InterruptState.MASKED != 0, "still held back")
    _, _ = invoke(interrupt, Method.INTERRUPT_REARM)
    check_equal(_ask(interrupt, Method.INTERRUPT_STATE) & InterruptState.STORM, 0, "rearmed")
    check_equal(_ask(interrupt, Method.INTERRUPT_STATE) & InterruptState.MASKED, 0, "open")
    _drop(interrupt)


def _driver_dies() -> None:
    """While its line is held back; the next one finds the line in order."""
    begin("driver_dies")
    _wait_until_gone()
    first = _create(_LEVEL_LINE, Source.LEVEL | Source.LOW)
    notification = _bound(first, 1)
    _imitate(first)
    check_equal(_take(notification), 1, "the first one")
    _drop(first)
    _wait_until_gone()
    second = _create(_LEVEL_LINE, Source.LEVEL | Source.LOW)
    check_equal(_ask(second, Method.INTERRUPT_STATE), InterruptState.MASKED, "nothing is left to acknowledge")
    other = _bound(second, 2)
    _imitate(second)
    check_equal(_take(other), 2, "the second one")
    check_equal(_acknowledge(second), Status.OK, "acknowledgement")
    _drop(second)
