"""The I/O APICs: which vector of which CPU a device's line interrupts.

Owns: their registers. Every line is masked until somebody has it routed.
Locks: _lock (Rank.IO_APIC): a register is chosen by one store and reached by another.
Source: 82093AA data sheet, 3.2; SDM vol 3, 11.11.1 (message addresses); ACPI 6.5, 5.2.12.5 (interrupt source override).
"""
from compiler.prelude import addr, array, const, mem32, ptr, struct, u8, u32, u64, zeroed
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

ISA_LINES = const(16)
EVERY_CPU = const(0xFF)                 # as a destination

_MOST = const(16)
_SELECT = const(0x00)
_WINDOW = const(0x10)
_VERSION = const(0x01)
_FIRST_ENTRY = const(0x10)              # two registers for each line
_ACTIVE_LOW = const(1 << 13)
_LEVEL = const(1 << 15)
_MASKED = const(1 << 16)
_DESTINATION_SHIFT = const(24)

_MESSAGES = const(0xFEE0_0000)
_MESSAGE_DESTINATION_SHIFT = const(12)

_OVERRIDE_LOW = const(3)                # of the two bits for polarity
_OVERRIDE_LEVEL = const(3 << 2)         # of the two bits for the trigger
_POLARITY = const(3)
_TRIGGER = const(3 << 2)


@struct
class IoApic:
    registers: u64
    first: u32                          # number of its first line
    count: u32


@struct
class IsaLine:
    line: u32
    is_level: bool
    is_low: bool


isa_lines: array[IsaLine, ISA_LINES] = array(IsaLine(line=number) for number in range(ISA_LINES))

_apics: array[IoApic, _MOST] = zeroed()
_count: u64 = 0
_lock: SpinLock = SpinLock(rank=Rank.IO_APIC)


def add(registers: u64, first: u32) -> None:
    """Makes an I/O APIC known, mapped at `registers`, and masks its lines. Boot only; what is too many is left out."""
    global _count
    if _count == _MOST:
        return
    found = addr(_apics[_count])
    found.registers = registers
    found.first = first
    found.count = ((_read(found, _VERSION) >> 16) & 0xFF) + 1
    for line in range(found.count):
        _write(found, _FIRST_ENTRY + 2 * line, _MASKED)
    _count += 1


def override(isa_line: u8, line: u32, flags: u32) -> None:
    """What the firmware says of a line of the old PC."""
    if isa_line < ISA_LINES:
        isa_lines[isa_line].line = line
        isa_lines[isa_line].is_low = flags & _POLARITY == _OVERRIDE_LOW
        isa_lines[isa_line].is_level = flags & _TRIGGER == _OVERRIDE_LEVEL


def has_line(line: u32) -> bool:
    return _find(line) is not None


def route(line: u32, vector: u32, destination: u32, is_level: bool, is_low: bool) -> None:
    """Lets a line interrupt the CPU that interrupt controllers know by `destination`. It stays masked.

    Requires: the line exists.
    """
    entry = vector | (_LEVEL if is_level else u32(0)) | (_ACTIVE_LOW if is_low else u32(0)) | _MASKED
    with _lock:
        found = _find(line)
        if found is not None:
            at = _FIRST_ENTRY + 2 * (line - found.first)
            _write(found, at, entry)
            _write(found, at + 1, destination << _DESTINATION_SHIFT)


def redirect(line: u32, destination: u32) -> None:
    """Sends what comes from now on to another CPU."""
    with _lock:
        found = _find(line)
        if found is not None:
            _write(found, _FIRST_ENTRY + 2 * (line - found.first) + 1, destination << _DESTINATION_SHIFT)


def mask(line: u32) -> None:
    _change(line, _MASKED, _MASKED)


def unmask(line: u32) -> None:
    _change(line, _MASKED, 0)


def message_address(destination: u32) -> u64:
    """Where a device writes its vector to interrupt a CPU."""
    return _MESSAGES | (u64(destination & 0xFF) << _MESSAGE_DESTINATION_SHIFT)


def _change(line: u32, bits: u32, value: u32) -> None:
    with _lock:
        found = _find(line)
        if found is not None:
            at = _FIRST_ENTRY + 2 * (line - found.first)
            _write(found, at, _read(found, at) & ~bits | value)


def _find(line: u32) -> ptr[IoApic] | None:
    for index in range(_count):
        found = addr(_apics[index])
        if found.first <= line and line - found.first < found.count:
            return found
    return None


def _read(found: ptr[IoApic], register: u32) -> u32:
    mem32[found.registers + _SELECT] = register
    return mem32[found.registers + _WINDOW]


def _write(found: ptr[IoApic], register: u32, value: u32) -> None:
    mem32[found.registers + _SELECT] = register
    mem32[found.registers + _WINDOW] = value
