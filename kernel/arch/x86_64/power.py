"""Power off and restart.

Source: ACPI 6.5, 4.8.3.2 (PM1 control), 7.4.2 (S5), 4.8.3.6 (reset register); 8042 data sheet; SDM vol 3, 6.15
(an exception without a usable table of gates shuts the processor down, which resets a PC).
"""
from typing import NoReturn

from compiler.prelude import addr, asm_x64, const, mem8, naked, ptr, u16, u64
from compiler.prelude.x64 import *
from kernel.arch.x86_64.acpi import PowerRegisters
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
_ACPI_IS_ON = const(1 << 0)


registers: PowerRegisters = PowerRegisters()

_reset_register: u64 = 0                # where it is mapped, if it lies in memory
_has_soft_off: bool = False
_sleep_types: u16 = 0                   # of S5, for PM1b in the upper byte


def set_soft_off(sleep_types: u16) -> None:
    global _has_soft_off, _sleep_types
    _has_soft_off = True
    _sleep_types = sleep_types


def set_reset_register(place: u64) -> None:
    global _reset_register
    _reset_register = place


def can_power_off() -> bool:
    return _has_soft_off and registers.pm1a_port != 0


def power_off() -> None:
    """Turns the machine off. Returns when it cannot, or the machine does not obey."""
    if not can_power_off():
        return
    _turn_acpi_on()
    _sleep(registers.pm1a_port, _sleep_types & 7)
    if registers.pm1b_port != 0:
        _sleep(registers.pm1b_port, (_sleep_types >> 8) & 7)
    _wait()


def restart() -> NoReturn:
    """By the reset register, else by the keyboard controller, else by a shutdown of the processor."""
    if registers.reset_port != 0:
        out8(registers.reset_port, registers.reset_value)
        _wait()
    if _reset_register != 0:
        mem8[_reset_register] = registers.reset_value
        _wait()
    for _ in range(_POLLS):
        if in8(_KEYBOARD_STATUS) & _INPUT_FULL == 0:
            break
    out8(_KEYBOARD_COMMAND, _PULSE_RESET)
    _wait()
    nothing = TablePointer(limit=0, base=0)
    _shut_down(addr(nothing))


def _turn_acpi_on() -> None:
    """Firmware that still owns the power registers gives them up when asked through its own port."""
    if registers.smi_port == 0 or registers.enable_value == 0 or in16(registers.pm1a_port) & _ACPI_IS_ON != 0:
        return
    out8(registers.smi_port, registers.enable_value)
    for _ in range(_POLLS):
        if in16(registers.pm1a_port) & _ACPI_IS_ON != 0:
            break


def _sleep(port: u16, sleep_type: u16) -> None:
    kept = in16(port) & ~u16(_SLEEP_TYPE | _SLEEP_ENABLE)
    out16(port, kept | (sleep_type << _SLEEP_TYPE_SHIFT) | _SLEEP_ENABLE)


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
