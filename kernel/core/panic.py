"""The end of the kernel by a fault of its own: one report, begun by `panic: ` and ended by `panic: end`.

The first CPU that panics reports; it stops the others by NMI. A panic inside the report, and a second CPU's, only stop
their CPU, after a line that says so.
"""
from typing import NoReturn

from compiler.prelude import addr, atomic, const, panic_handler, ptr, spin_hint, struct, u32, u64
from kernel.arch.x86_64 import apic, cpu
from kernel.arch.x86_64.frame import Registers
from kernel.arch.x86_64.registers import disable_interrupts, read_cr2, read_cr3
from kernel.core import log
from kernel.core.line import Line
from kernel.core.machine_end import stop_cpu, stop_machine

_NOBODY = const(0xFFFF_FFFF)
_STOP_POLLS = const(1_000_000)          # a CPU that has not stopped by then is left alone


@struct
class PanicState:
    reporter: atomic[u32] = _NOBODY     # index of the CPU that reports
    stopped: atomic[u32]                # how many others have stopped for it


_state: PanicState = PanicState()


def is_panicking() -> bool:
    return _state.reporter.load("acquire") != _NOBODY


@panic_handler
def on_panic(message: str, file: str, line: u32) -> NoReturn:
    """Called by every failed check of compiled code, and by panic()."""
    _begin()
    first = Line()
    first.text("panic: ")
    first.text(message)
    log.write_in_panic(addr(first))
    place = Line()
    place.text("  at ")
    place.text(file)
    place.text(":")
    place.decimal(u64(line))
    log.write_in_panic(addr(place))
    _end()


def panic_in_exception(what: str, frame: ptr[Registers]) -> NoReturn:
    """An exception that the kernel must not raise; `frame` is what it interrupted."""
    _begin()
    first = Line()
    first.text("panic: ")
    first.text(what)
    first.text(" in the kernel")
    log.write_in_panic(addr(first))
    _write_two("  rip=", frame.rip, " error=", frame.error)
    _write_two("  cr2=", read_cr2(), " cr3=", read_cr3())
    _write_two("  rsp=", frame.rsp, " rflags=", frame.rflags)
    _write_two("  rax=", frame.rax, " rbx=", frame.rbx)
    _write_two("  rcx=", frame.rcx, " rdx=", frame.rdx)
    _write_two("  rsi=", frame.rsi, " rdi=", frame.rdi)
    _write_two("  rbp=", frame.rbp, " r8=", frame.r8)
    _write_two("  r9=", frame.r9, " r10=", frame.r10)
    _write_two("  r11=", frame.r11, " r12=", frame.r12)
    _write_two("  r13=", frame.r13, " r14=", frame.r14)
    _write_two("  r15=", frame.r15, " cs=", frame.cs)
    _end()


def stop_for_panic() -> NoReturn:
    """What every other CPU does once one reports."""
    _ = _state.stopped.fetch_add(1, "acq_rel")
    stop_cpu()


def _begin() -> None:
    disable_interrupts()
    found, is_first = _state.reporter.compare_exchange(_NOBODY, cpu.index, "acq_rel")
    if not is_first:
        if found == cpu.index:
            again = Line()
            again.text("panic: again, while reporting")
            log.write_in_panic(addr(again))
            stop_machine(False)
        stop_for_panic()
    apic.stop_others()
    others = cpu.running_cpus.load("relaxed") - 1
    for _ in range(_STOP_POLLS):
        if _state.stopped.load("acquire") >= others:
            break
        spin_hint()
    log.seize()


def _end() -> NoReturn:
    line = Line()
    line.text("  cpu ")
    line.decimal(u64(cpu.index))
    log.write_in_panic(addr(line))
    last = Line()
    last.text("panic: end")
    log.write_in_panic(addr(last))
    stop_machine(False)


def _write_two(first_name: str, first: u64, second_name: str, second: u64) -> None:
    line = Line()
    line.text(first_name)
    line.hexadecimal(first)
    line.text(second_name)
    line.hexadecimal(second)
    log.write_in_panic(addr(line))
