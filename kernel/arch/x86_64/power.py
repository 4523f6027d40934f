"""Power off and restart.

Source: ACPI 6.5, 4.8.3.2 (PM1 control), 7.4.2 (S5), 4.8.3.6 (reset register); 8042 data sheet; SDM vol 3, 6.15
(an exception without a usable table of gates shuts the processor down, which resets a PC).
"""
from typing import NoReturn

from compiler.prelude import addr, asm_x64, const, mem8, naked, ptr, struct, u8, u16, u64
from compiler.prelude.x64 import *
from kernel.arch.x86_64.gdt import TablePointer
from kernel.arch.x86_64.registers import in8, in16, out8, out16

_KEYBOARD_STATUS = const(0x64)
_KEYBOARD_COMMAND = const(0x64)
_INPUT_FULL = const(1 << 1)
_PULSE_RESET = const(0xFE)
_POLLS = const(100_000)
_SLEEP_TYPE_SHIFT = const(10)
_SLEEP_TYPE = const(7 << _SLEEP_TYPE_SHIFT)
_SLEEP_ENABLE = const(1 << 13)


@struct
class PowerControl:
    """What the firmware's tables say; a port of 0 is absent."""
    pm1a_port: u16 = 0
    pm1b_port: u16 = 0
    sleep_a: u8 = 0                     # the sleep types of S5
    sleep_b: u8 = 0
    has_soft_off: bool = False
    reset_port: u16 = 0
    reset_memory: u64 = 0               # where the register is mapped, if it lies in memory
    reset_value: u8 = 0


control: PowerControl = PowerControl()


def power_off() -> bool:
    """Turns the machine off. Returns False when it cannot, or did not."""
    if not control.has_soft_off or control.pm1a_port == 0:
        return False
    _sleep(control.pm1a_port, control.sleep_a)
    if control.pm1b_port != 0:
        _sleep(control.pm1b_port, control.sleep_b)
    for _ in range(_POLLS):
        _ = in8(_KEYBOARD_STATUS)
    return False


def restart() -> NoReturn:
    """By the reset register, else by the keyboard controller, else by a shutdown of the processor."""
    if control.reset_port != 0:
        out8(control.reset_port, control.reset_value)
        _wait()
    if control.reset_memory != 0:
        mem8[control.reset_memory] = control.reset_value
        _wait()
    for _ in range(_POLLS):
        if in8(_KEYBOARD_STATUS) & _INPUT_FULL == 0:
            break
    out8(_KEYBOARD_COMMAND, _PULSE_RESET)
    _wait()
    nothing = TablePointer(limit=0, base=0)
    _shut_down(addr(nothing))


def _sleep(port: u16, sleep_type: u8) -> None:
    kept = in16(port) & ~u16(_SLEEP_TYPE | _SLEEP_ENABLE)
    out16(port, kept | (u16(sleep_type) << _SLEEP_TYPE_SHIFT) | _SLEEP_ENABLE)


def _wait() -> None:
    """A reset takes a moment; reading a port takes about a microsecond on every machine."""
    for _ in range(_POLLS):
        _ = in8(_KEYBOARD_STATUS)


@naked
@asm_x64
def _shut_down(no_gates: ptr[TablePointer]) -> NoReturn:
    lidt([rdi])
    int3()
    ud2()
