"""Panics on purpose, to see that each ends in one complete report; lines from all CPUs at once; ends of the machine."""
from collections.abc import Callable
from typing import NoReturn

from compiler.prelude import addr, asm_x64, const, mem64, naked, noinline, panic, ptr, spin_hint, u64
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import cpu
from kernel.core import log, log_lines, machine_end
from kernel.core.configuration import given
from kernel.core.log_ring import LogRing
from kernel.selftest import choice

_VICTIM = const(3)                      # the CPU that panics in tests of another CPU's panic
_HOLDER = const(1)                      # the CPU that holds what others want
_LINES = const(200)
_JUST_BELOW_STACK_END = const(4096 - 8)


def run_on_boot_cpu() -> None:
    """Returns when there is no test to run here. Requires: every CPU that has started comes to run_on_other_cpu()."""
    choice.has_begun.store(1, "release")
    match choice.chosen:
        case choice.PANIC_ASSERT:
            fail_assertion(1)
        case choice.PANIC_NULL:
            read_null()
        case choice.PANIC_SURVIVED:
            _wait_for_others()
        case choice.PANIC_CONFIGURATION:
            write_configuration()
        case choice.PANIC_OVERFLOW:
            _ = overflow_stack(1)
        case choice.PANIC_OTHER_CPU:
            _wait_for_ever()
        case choice.PANIC_CONSOLE:
            with log.console_lock:
                fail_assertion(1)
        case choice.PANIC_CONSOLE_ELSEWHERE:
            _wait_for_others()
            fail_assertion(1)
        case choice.PANIC_NESTED:
            panic_with_bad_frame(cpu.kernel_stack_end + _JUST_BELOW_STACK_END)
        case choice.PANIC_TWO:
            _wait_for_others()
            fail_assertion(1)
        case choice.LOG_MANY:
            _write_lines()
            _wait_for_others()
        case choice.PANIC_LONG:
            _write_lines()
            fail_assertion(1)
        case choice.NMI:
            _wait_for_nmi()
        case choice.POWER_OFF:
            machine_end.power_off()
            panic("the machine does not turn itself off")
        case choice.RESTART:
            machine_end.restart()
        case _:
            pass


def run_on_other_cpu() -> None:
    while choice.has_begun.load("acquire") == 0:
        spin_hint()
    match choice.chosen:
        case choice.PANIC_OTHER_CPU:
            if cpu.index == _VICTIM:
                panic("on another CPU")
        case choice.PANIC_SURVIVED:
            _arrive()
            if cpu.index == _VICTIM:
                panic("on another CPU")
        case choice.PANIC_CONSOLE_ELSEWHERE:
            if cpu.index == _HOLDER:
                with log.console_lock:
                    _arrive()
                    _wait_for_ever()
            _arrive()
            _wait_for_ever()
        case choice.PANIC_TWO:
            _arrive()
            if cpu.index == _HOLDER:
                _wait_for_others()
                read_null()
            _wait_for_ever()
        case choice.LOG_MANY:
            _write_lines()
            _arrive()
        case _:
            pass


def run_in_call() -> None:
    """In every DEBUG_LOG of a program."""
    if choice.chosen == choice.PANIC_IN_CALL:
        fail_assertion(1)
    if choice.chosen == choice.PANIC_RETURN:
        spoil_return()


@noinline
def fail_assertion(one: u64) -> None:
    assert one == 2, "one is two"


@noinline
def read_null() -> None:
    _ = mem64[0]


def spoil_return() -> None:
    """The program cannot go back to a code segment that does not exist."""
    frame = cpu.frame
    if frame is not None:
        frame.cs = 0
        cpu.attention = 1               # leave by IRET, with all registers


@noinline
def write_configuration() -> None:
    """It can be read, but not written to any more."""
    log.info(f"selftest: the configuration at {u64(addr(given)):#x} limits CPUs to {given.cpu_limit}")
    given.cpu_limit = 1


@noinline
def overflow_stack(depth: u64) -> u64:
    if depth == 0:
        return 0
    return deeper(depth + 1) + depth


deeper: Callable[[u64], u64] = overflow_stack       # by way of data, because the compiler refuses endless recursion


@naked
@asm_x64
def panic_with_bad_frame(frame: u64) -> NoReturn:
    """The walk from caller to caller ends in a page fault at `frame`."""
    mov(rbp, rdi)
    raw("call {panic_now}")
    ud2()


@noinline
def panic_now() -> NoReturn:
    panic("nested")


def _write_lines() -> None:
    for number in range(_LINES):
        log.info(f"selftest: cpu {cpu.index:3} line {number:04} abcdefghijklmnopqrstuvwxyz0123456789")


def _wait_for_nmi() -> None:
    """What it says is kept until the CPU writes its next line."""
    ring = ptr[LogRing](log_lines.rings[cpu.index])
    # Looked at before anybody can be asked to send one: it may come as soon as the line is out.
    with_line = ring.next.load("acquire") + 1
    log.info("selftest: waiting for an NMI")
    while ring.next.load("acquire") == with_line:
        spin_hint()
    log.info("selftest: it came")


def _arrive() -> None:
    _ = choice.arrived.fetch_add(1, "acq_rel")


def _wait_for_others() -> None:
    while choice.arrived.load("acquire") + 1 < cpu.running_cpus.load("acquire"):
        spin_hint()


def _wait_for_ever() -> NoReturn:
    while True:
        spin_hint()
