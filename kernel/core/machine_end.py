"""How the machine ends: when its work is done, when a program that may asks for it, and after a panic.

Under QEMU with its exit device, which the command line announces by `exit=debug`, the emulator ends with a status of
its own (value v gives 2v + 1); everywhere else the CPU halts. What follows a panic is said by `panic=`: exit (by that
device, the default where it is), halt (the default elsewhere: the report stays on the screen), reboot, or debug
(a breakpoint, for a debugger that is attached). A debug build has continue as well: the CPU gives up what it did, the
thread that it ran ends as after an exception, the others go on; what was half changed stays so.
"""
from enum import IntEnum
from typing import NoReturn

from compiler.prelude import array, atomic, const, noinline, option, spin_hint, struct, u32, u64
from kernel.arch.x86_64 import apic, cpu, power, serial
from kernel.arch.x86_64.registers import PORT_DEBUG_EXIT, break_into_debugger, disable_interrupts, halt, out8
from kernel.core import log
from kernel.core.configuration import given

_SUCCESS = const(0x10)
_FAILURE = const(0x11)
_STOP_POLLS = const(1_000_000)          # a CPU that has not stopped by then is left alone


class PanicAction(IntEnum):
    HALT = 0
    EXIT = 1
    REBOOT = 2
    DEBUG = 3
    CONTINUE = 4


CAN_CONTINUE = const(option("DEBUG", False))
PANIC_ACTIONS = const(5 if CAN_CONTINUE else 4)


@struct
class Ending:
    """Of a machine whose console a program has: it may not go on writing when the kernel does."""
    has_begun: atomic[u32]              # the other CPUs stop at their next NMI
    stopped: atomic[u32]


_ending: Ending = Ending()
_action_names: array[str, 5] = array("halt", "exit", "reboot", "debug", "continue")


def use_exit_device() -> None:
    given.has_exit_device = True
    if not given.is_panic_action_chosen:
        given.panic_action = u64(PanicAction.EXIT)


def set_panic_action(action: u64) -> None:
    given.panic_action = action
    given.is_panic_action_chosen = True


def action_name(action: u64) -> str:
    return _action_names[action]


def panic_action_name() -> str:
    return _action_names[given.panic_action]


def is_to_continue() -> bool:
    return CAN_CONTINUE and given.panic_action == PanicAction.CONTINUE


def stop_machine(succeeded: bool) -> NoReturn:
    _finish_output()
    if given.has_exit_device:
        out8(PORT_DEBUG_EXIT, _SUCCESS if succeeded else _FAILURE)
    stop_cpu()


def power_off() -> None:
    """Turns the machine off. Returns when it cannot be turned off by its firmware's rules, or does not obey and
    nobody had taken the console."""
    if power.can_power_off():
        _finish_output()
        power.power_off()
        if _ending.has_begun.load("relaxed") != 0:
            stop_cpu()


def restart() -> NoReturn:
    _finish_output()
    power.restart()


def stop_if_ending() -> None:
    """In an NMI."""
    if _ending.has_begun.load("acquire") != 0:
        _stop_for_end()


def _stop_for_end() -> NoReturn:
    _ = _ending.stopped.fetch_add(1, "acq_rel")
    stop_cpu()


def _finish_output() -> None:
    if log.is_away():
        _take_console()
    serial.finish()


def _take_console() -> None:
    """From the program that has it, and shows what it has not shown. One CPU goes on, the others stop."""
    if not _ending.has_begun.cas(0, 1, "acq_rel"):
        _stop_for_end()
    apic.stop_others()
    others = cpu.running_cpus.load("relaxed") - 1
    for _ in range(_STOP_POLLS):
        if _ending.stopped.load("acquire") >= others:
            break
        spin_hint()
    log.seize_to_end()


def end_after_panic() -> NoReturn:
    """Requires: the other CPUs have been stopped."""
    serial.finish()
    match given.panic_action:
        case PanicAction.EXIT:
            out8(PORT_DEBUG_EXIT, _FAILURE)
        case PanicAction.REBOOT:
            power.restart()
        case PanicAction.DEBUG:
            wait_for_debugger()
        case _:
            pass
    stop_cpu()


@noinline
def wait_for_debugger() -> None:
    """A debugger has a breakpoint here, or takes the processor's own. Returns where there is none."""
    break_into_debugger()


def stop_cpu() -> NoReturn:
    disable_interrupts()
    while True:
        halt()
