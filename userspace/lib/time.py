"""Python's time: nanoseconds since the boot, by the page that the kernel gives every program (kernel/abi/machine.py).

A program without the page, or a machine whose time stamps are not in step, asks the kernel.
"""
from compiler.prelude import addr, atomic, const, f64, float_bits, ptr, u8, u32, u64, u128, zeroed
from kernel.abi.errors import Status
from kernel.abi.layout import START_INFO
from kernel.abi.machine import TIME_SHIFT, TimePage
from kernel.abi.memory import READ
from kernel.abi.ring import Operation as Opcode
from kernel.abi.ring import Submission
from userspace.lib import reactor
from userspace.lib.memory import PAGE, map_memory
from userspace.lib.reactor import Operation
from userspace.lib.start_info import start_info
from userspace.lib.time_stamp import time_stamp

_PLACE = const(START_INFO + PAGE)
_NS = const(1_000_000_000)
_MANTISSA_BITS = const(52)
_EXPONENT_MASK = const(0x7FF)
_EXPONENT_BIAS = const(1023 + 52)       # of a mantissa that is a whole number

_has_looked: atomic[u32] = 0            # for the page; several threads may at a time
_page: ptr[TimePage] | None = None


def monotonic_ns() -> u64:
    if _has_looked.load("acquire") == 0:
        _look_for_page()
    page = _page
    if page is None:
        return _ask_kernel()
    return u64(u128(time_stamp() - page.start) * u128(page.ns_per_tick) >> TIME_SHIFT)


def perf_counter_ns() -> u64:
    return monotonic_ns()


def time_ns() -> u64:
    """Since 1970; since the boot, where no clock was found or only the kernel knows the time."""
    now_ns = monotonic_ns()
    page = _page
    return now_ns if page is None else now_ns + page.boot_seconds * _NS


def sleep(seconds: f64) -> None:
    """Stops the thread, and all its tasks; asyncio.sleep stops one."""
    deadline_ns = monotonic_ns() + nanoseconds(seconds)
    while monotonic_ns() < deadline_ns:
        reactor.wait(deadline_ns)


def _look_for_page() -> None:
    global _page
    info = start_info()
    status: Status = Status.BAD_HANDLE
    if info.time != 0:
        status = map_memory(info.time, info.process, u64(_PLACE) | READ, 0, PAGE)
    if status == Status.OK or status == Status.ALREADY_MAPPED:
        page = ptr[TimePage](_PLACE)
        if page.is_counted != 0:
            _page = page
    # Pairs with the load in monotonic_ns(): whoever finds it set finds the page.
    _has_looked.store(1, "release")


def _ask_kernel() -> u64:
    """The time that a timer reports whose deadline has passed."""
    operation: Operation = zeroed()
    operation.wake = _nobody_waits
    entry = Submission(operation=u8(Opcode.TIMER), deadline_ns=1)
    while not reactor.has_free_slot():
        reactor.wait(reactor.NO_DEADLINE)
    reactor.submit(addr(entry), addr(operation))
    while not operation.is_done:
        reactor.flush()
    return operation.completion.word0


def _nobody_waits(operation: ptr[Operation]) -> None:
    pass


def nanoseconds(seconds: f64) -> u64:
    """A number of seconds as whole nanoseconds, in integer arithmetic: programs have no floating-point registers.

    Negative ones and what is below a nanosecond give 0. Source: IEEE 754 binary64.
    """
    bits = float_bits(seconds)
    exponent = bits >> _MANTISSA_BITS & _EXPONENT_MASK
    if bits >> 63 != 0 or exponent == 0:
        return 0
    mantissa = u128(bits & ((1 << _MANTISSA_BITS) - 1) | 1 << _MANTISSA_BITS) * _NS
    shift = exponent - _EXPONENT_BIAS if exponent >= _EXPONENT_BIAS else _EXPONENT_BIAS - exponent
    if exponent >= _EXPONENT_BIAS:
        return u64(mantissa << u128(shift))
    return u64(mantissa >> u128(shift))
