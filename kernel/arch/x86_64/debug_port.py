"""The port to which emulators listen (QEMU's isa-debugcon, Bochs' port E9 hack).

A read of it gives its own number where somebody listens.
"""
from compiler.prelude import const, u8
from kernel.arch.x86_64.registers import in8, out8

_PORT = const(0xE9)

_is_present: bool = False


def start() -> None:
    global _is_present
    _is_present = in8(_PORT) == _PORT


def write(value: u8) -> None:
    if _is_present:
        out8(_PORT, value)
