"""How the machine stops when its work is done or a panic has been reported.

Under QEMU with its exit device, which the command line announces by `exit=debug`, the emulator ends with a status of
its own (value v gives 2v + 1); everywhere else the CPU halts.
"""
from typing import NoReturn

from compiler.prelude import const
from kernel.arch.x86_64.registers import PORT_DEBUG_EXIT, disable_interrupts, halt, out8

_SUCCESS = const(0x10)
_FAILURE = const(0x11)

_has_exit_device: bool = False


def use_exit_device() -> None:
    global _has_exit_device
    _has_exit_device = True


def stop_machine(succeeded: bool) -> NoReturn:
    if _has_exit_device:
        out8(PORT_DEBUG_EXIT, _SUCCESS if succeeded else _FAILURE)
    stop_cpu()


def stop_cpu() -> NoReturn:
    disable_interrupts()
    while True:
        halt()
