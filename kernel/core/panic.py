"""The end of the kernel by a fault of its own: one report, begun by `panic: ` and ended by `panic: end`.

The first CPU that panics reports; it stops the others by NMI. A panic of another CPU stops that CPU and is told in the
report. A panic inside the report is told too, and the report goes on behind the part that failed.
With panic=continue the others wait in their NMI until the report is done, and go on.
Not here: what else is done after it (core/machine_end.py), what becomes of the thread (entry/exception.py).
"""
from collections.abc import Callable
from typing import NoReturn

from compiler.prelude import (
    addr,
    array,
    atomic,
    const,
    copy,
    fstring,
    panic_handler,
    ptr,
    span,
    spin_hint,
    struct,
    u8,
    u32,
    u64,
    zeroed,
)
from kernel.abi.system import KernelState
from kernel.arch.x86_64 import apic, clock, cpu
from kernel.arch.x86_64.capture import capture
from kernel.arch.x86_64.frame import PRIVILEGE, Registers
from kernel.arch.x86_64.image import symbols_end, symbols_start
from kernel.arch.x86_64.registers import disable_interrupts, read_cr0, read_cr2, read_cr3, read_cr4
from kernel.arch.x86_64.traps import DOUBLE_FAULT
from kernel.config import CPU_LIMIT
from kernel.core import backtrace, log, qr_code, screen, state, symbols
from kernel.core.line import Line
from kernel.core.machine_end import end_after_panic, is_to_continue, panic_action_name, stop_cpu
from kernel.core.qr_code import TEXT_BYTES
from kernel.core.symbols import Place
from kernel.core.thread_block import current_thread
from kernel.memory.stacks import is_below_stack
from kernel.sync.ranks import is_any_held

_NOBODY = const(0xFFFF_FFFF)
_STOP_POLLS = const(1_000_000)          # a CPU that has not stopped by then is left alone
_NEWLINE = const(0x0A)
_NS_PER_SECOND = const(1_000_000_000)
_NS_PER_MICROSECOND = const(1000)


@struct
class Cause:
    """What a CPU panicked of."""
    message: str
    file: str                           # empty for an exception
    line: u32
    registers: Registers


@struct
class PanicState:
    reporter: atomic[u32] = _NOBODY     # index of the CPU that reports
    stopped: atomic[u32]                # how many others have stopped for it
    survived: atomic[u32]               # reports after which the CPUs went on


_panic: PanicState = PanicState()
_old_state: u32 = 0
_cause: Cause = Cause()                 # the reporter's
_others: array[Cause, CPU_LIMIT] = zeroed()     # of those that panicked as well, or where each was stopped
_parts_begun: u64 = 0
_is_nested: bool = False
_text: array[u8, TEXT_BYTES] = zeroed()         # the report so far
_text_length: u64 = 0


give_up: Callable[[], NoReturn] = stop_cpu      # what a CPU does that panicked and goes on


def is_panicking() -> bool:
    return _panic.reporter.load("acquire") != _NOBODY


@panic_handler
def on_panic(message: str, file: str, line: u32) -> NoReturn:
    """Called by every failed check of compiled code, and by panic()."""
    disable_interrupts()
    cause = Cause(message=message, file=file, line=line)
    capture(addr(cause.registers))
    _begin(addr(cause))


def panic_in_exception(what: str, frame: ptr[Registers]) -> NoReturn:
    """An exception that the kernel must not raise; `frame` is what it interrupted."""
    disable_interrupts()
    cause = Cause(message=what, registers=copy(frame[0]))
    if frame.vector & 0xFF == DOUBLE_FAULT and is_below_stack(read_cr2()):
        cause.message = "kernel stack overflow"
    _begin(addr(cause))


def stop_for_panic(frame: ptr[Registers]) -> None:
    """What every other CPU does once one reports; `frame` is what the NMI interrupted. Returns when it may go on."""
    _others[cpu.index].registers = copy(frame[0])
    _stop()


def _stop() -> None:
    survived = _panic.survived.load("acquire")
    _ = _panic.stopped.fetch_add(1, "acq_rel")
    if not is_to_continue():
        stop_cpu()
    while _panic.survived.load("acquire") == survived:
        spin_hint()


def _begin(cause: ptr[Cause]) -> NoReturn:
    global _old_state, _is_nested
    found, is_first = _panic.reporter.compare_exchange(_NOBODY, cpu.index, "acq_rel")
    if is_first:
        addr(_cause)[0] = copy(cause[0])
        _old_state = state.enter_panic()
        apic.stop_others()
        others = cpu.running_cpus.load("relaxed") - 1
        for _ in range(_STOP_POLLS):
            if _panic.stopped.load("acquire") >= others:
                break
            spin_hint()
        log.seize()
        _say(f"panic: {cause.message}")
    elif found == cpu.index:
        _is_nested = True
        _tell_nested(cause)
    else:
        _others[cpu.index] = copy(cause[0])
        _stop()
        give_up()
    _report()


def _report() -> NoReturn:
    """Every part once, in order; after a panic inside one the next is begun."""
    global _parts_begun
    parts: array[Callable[[], None], 8] = array(
        _tell_place, _tell_circumstances, _tell_registers, _tell_callers, _tell_user, _tell_other_cpus, _tell_action,
        _draw_code,
    )  # fmt: skip
    while _parts_begun < len(parts):
        _parts_begun += 1
        parts[_parts_begun - 1]()
    _say("panic: end")
    if is_to_continue() and len(_obstacle()) == 0:
        _go_on()
    end_after_panic()


def _obstacle() -> str:
    """What keeps the kernel from going on, or nothing."""
    if _is_nested:
        return "the report panicked itself"
    if is_any_held():
        return "this CPU holds a lock"
    if _old_state != KernelState.RUNNING:
        return "the kernel did not run yet"
    return ""


def _go_on() -> NoReturn:
    """Makes ready for the next panic, then lets the others go on."""
    global _parts_begun, _text_length
    _parts_begun = 0
    _text_length = 0
    for index in range(cpu.known_cpus):
        _others[index].registers.rip = 0
        _others[index].message = ""
    state.leave_panic(_old_state)
    log.give_back()
    _panic.stopped.store(0, "relaxed")
    _panic.reporter.store(_NOBODY, "release")
    _ = _panic.survived.fetch_add(1, "release")
    give_up()


def _tell_nested(cause: ptr[Cause]) -> None:
    line = Line()
    line.text("  panic inside this report: ")
    line.text(cause.message)
    line.text(" at ")
    _add_place_of(addr(line), cause)
    _write(addr(line))


def _tell_place() -> None:
    line = Line()
    line.text("  at ")
    _add_place_of(addr(line), addr(_cause))
    _write(addr(line))


def _tell_circumstances() -> None:
    now = clock.now_ns()
    _say(
        f"  cpu={cpu.index} apic={apic.identity_of(cpu.index)} state={state.name_of(_old_state)} "
        f"uptime={now // _NS_PER_SECOND}.{now % _NS_PER_SECOND // _NS_PER_MICROSECOND:06}s"
    )
    if cpu.frame is not None:
        thread = current_thread()
        line = Line()
        line.text("  thread=")
        line.hexadecimal(u64(thread))
        line.text(" process=")
        line.untrusted(thread.process.name_text())
        _write(addr(line))


def _tell_registers() -> None:
    r = addr(_cause.registers)
    _say(f"  rip={r.rip:#018x} rsp={r.rsp:#018x} rbp={r.rbp:#018x} rflags={r.rflags:#x}")
    _say(f"  rax={r.rax:#018x} rbx={r.rbx:#018x} rcx={r.rcx:#018x} rdx={r.rdx:#018x}")
    _say(f"  rsi={r.rsi:#018x} rdi={r.rdi:#018x} r8={r.r8:#018x} r9={r.r9:#018x}")
    _say(f"  r10={r.r10:#018x} r11={r.r11:#018x} r12={r.r12:#018x} r13={r.r13:#018x}")
    _say(f"  r14={r.r14:#018x} r15={r.r15:#018x} cs={r.cs:#x} error={r.error:#x}")
    _say(f"  cr0={read_cr0():#x} cr2={read_cr2():#018x} cr3={read_cr3():#x} cr4={read_cr4():#x}")


def _tell_callers() -> None:
    backtrace.walk(_place_of(addr(_cause)), _cause.registers.rbp, _tell_caller)


def _tell_caller(number: u64, address: u64, times: u64) -> None:
    line = Line()
    line.add(f"  #{number} {address:#018x} ")
    _add_symbol(addr(line), address)
    if times > 1:
        line.add(f" ({times} times)")
    _write(addr(line))


def _tell_user() -> None:
    if cpu.frame is not None:
        r = addr(current_thread().registers)
        _say(f"  user rip={r.rip:#x} rsp={r.rsp:#x} rdi={r.rdi:#x} rsi={r.rsi:#x} rdx={r.rdx:#x}")


def _tell_other_cpus() -> None:
    for index in range(cpu.known_cpus):
        if index != cpu.index:
            _tell_other(index)


def _tell_other(index: u32) -> None:
    other = addr(_others[index])
    line = Line()
    line.add(f"  cpu {index} ")
    if other.registers.rip == 0:
        line.text("did not stop")
    elif len(other.message) != 0:
        line.text("panicked too: ")
        line.text(other.message)
        line.text(" at ")
        _add_place_of(addr(line), other)
    elif other.registers.cs & PRIVILEGE != 0:
        line.add(f"stopped in a program at {other.registers.rip:#x}")
    else:
        line.add(f"stopped at {other.registers.rip:#018x} ")
        _add_symbol(addr(line), other.registers.rip)
    _write(addr(line))


def _tell_action() -> None:
    if is_to_continue() and len(_obstacle()) != 0:
        _say(f"  then halt: {_obstacle()}")
    else:
        _say(f"  then {panic_action_name()}")


def _place_of(cause: ptr[Cause]) -> u64:
    """Of an exception the instruction, of a failed check the call that reported it."""
    return cause.registers.rip - u64(len(cause.file) != 0)


def _add_place_of(line: ptr[Line], cause: ptr[Cause]) -> None:
    if len(cause.file) != 0:
        line.text(cause.file)
        line.add(f":{cause.line}")
    else:
        _add_symbol(line, cause.registers.rip)


def _add_symbol(line: ptr[Line], address: u64) -> None:
    """Function and offset, then file and line, as far as they are known."""
    place = Place()
    if not symbols.look_up(_table(), address, addr(place)):
        line.text("?")
        return
    if len(place.module) != 0:
        line.untrusted(place.module)
        line.text(".")
    line.untrusted(place.function)
    line.add(f"+{place.offset:#x}")
    if len(place.file) != 0:
        line.text(" ")
        line.untrusted(place.file)
        line.add(f":{place.line}")


def _table() -> span[u8]:
    return span(ptr[u8](symbols_start()), symbols_end() - symbols_start())


def _say(line: fstring[Line]) -> None:
    _write(line)


def _write(line: ptr[Line]) -> None:
    """Keeps the line for the code as well, as far as there is room."""
    log.write_in_panic(line)
    for character in line.written():
        _keep(character)
    _keep(_NEWLINE)


def _keep(character: u8) -> None:
    global _text_length
    if _text_length < TEXT_BYTES:
        _text[_text_length] = character
        _text_length += 1


def _draw_code() -> None:
    if screen.columns != 0:
        qr_code.encode(_text[0:_text_length])
        screen.draw_code()
