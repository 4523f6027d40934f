"""Python's time: nanoseconds since the boot, by the page that the kernel gives every program (kernel/abi/machine.py).

A program without the page, or a machine whose time stamps are not in step, asks the kernel.
"""
from compiler.prelude import addr, asm_x64, const, ptr, u8, u64, u128, zeroed
from compiler.prelude.x64 import *
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

_PLACE = const(START_INFO + PAGE)

_has_looked: bool = False
_page: ptr[TimePage] | None = None


def monotonic_ns() -> u64:
    if not _has_looked:
        _look_for_page()
    page = _page
    if page is None:
        return _ask_kernel()
    return u64(u128(_time_stamp() - page.start) * u128(page.ns_per_tick) >> TIME_SHIFT)


def _look_for_page() -> None:
    global _has_looked, _page
    _has_looked = True
    info = start_info()
    if info.time == 0 or map_memory(info.time, info.process, u64(_PLACE) | READ, 0, PAGE) != Status.OK:
        return
    page = ptr[TimePage](_PLACE)
    if page.is_counted != 0:
        _page = page


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


@asm_x64
def _time_stamp() -> u64:
    rdtsc()
    shl(rdx, 32)
    or_(rax, rdx)
