"""The port to which emulators listen (QEMU's isa-debugcon, Bochs' port E9 hack).

A read of it gives its own number where somebody listens.
"""
from compiler.prelude import u8
from kernel.arch.x86_64.registers import PORT_DEBUG_CONSOLE, in8, out8

_is_present: bool = False


def start() -> None:
    global _is_present
    _is_present = in8(PORT_DEBUG_CONSOLE) == PORT_DEBUG_CONSOLE


def write(value: u8) -> None:
    if _is_present:
        out8(PORT_DEBUG_CONSOLE, value)
