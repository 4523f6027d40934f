"""What the kernel takes from the firmware's tables, read from byte spans.

Pure: tested on the host; nothing here follows an address. boot/core/acpi.py holds what the loaders read as well.
Source: ACPI 6.5, 5.2.9 (FADT), 5.2.12 (MADT), 5.2.16 (SRAT), 20.2 (AML encoding); IA-PC HPET 1.0a, 3.2.4; PCI
Firmware 3.2, 4.1.2 (MCFG).
Invariants: an entry of impossible length ends a walk, so that no table can make one endless.
"""
from boot.core.acpi import ADDRESS_SPACE_IO
from boot.core.fields import starts_with, u16_at, u32_at, u64_at
from compiler.prelude import const, ptr, span, struct, u8, u16, u64

MADT_ENTRIES = const(44)                # offset of the first entry
MADT_IO_APIC = const(1)
MADT_IO_APIC_BYTES = const(12)
MADT_OVERRIDE = const(2)
MADT_OVERRIDE_BYTES = const(10)
SRAT_ENTRIES = const(48)
SRAT_MEMORY = const(1)
SRAT_MEMORY_BYTES = const(40)
ADDRESS_SPACE_MEMORY = const(0)

_FADT_DSDT = const(40)
_FADT_SMI_PORT = const(48)
_FADT_ENABLE_VALUE = const(52)
_FADT_PM1A_CONTROL = const(64)
_FADT_PM1B_CONTROL = const(68)
_FADT_FLAGS = const(112)
_FADT_RESET_REGISTER = const(116)
_FADT_RESET_VALUE = const(128)
_FADT_X_DSDT = const(140)
_FADT_X_PM1A_CONTROL = const(172)
_FADT_X_PM1B_CONTROL = const(184)
_FLAG_HAS_RESET = const(1 << 10)
_ADDRESS_BYTES = const(12)              # of a generic address structure
_ADDRESS_OFFSET = const(4)              # of the address in one

_HPET_ADDRESS = const(40)
_HPET_BYTES = const(56)
_MCFG_ENTRIES = const(44)
_MCFG_ENTRY_BYTES = const(16)

_AML_BYTE = const(0x0A)
_AML_WORD = const(0x0B)
_AML_DWORD = const(0x0C)
_AML_PACKAGE = const(0x12)
_NAME_BYTES = const(4)
_NO_VALUE = const(0xFFFF)


@struct
class PowerRegisters:
    """Where the machine is turned off and restarted; a port or an address of 0 is absent."""
    pm1a_port: u16 = 0
    pm1b_port: u16 = 0
    smi_port: u16 = 0
    enable_value: u8 = 0                # written to smi_port, it turns ACPI on
    reset_value: u8 = 0
    reset_port: u16 = 0
    reset_memory: u64 = 0               # physical
    dsdt: u64 = 0                       # physical


def next_entry(table: span[u8], offset: u64, kind: u8, least_bytes: u64) -> u64:
    """The offset of the first entry of a kind at or behind `offset`, in a table whose entries begin with their kind
    and length; 0 when there is none. Go on behind it, by entry_bytes()."""
    at = offset
    while at + 2 <= u64(len(table)):
        length = u64(table[at + 1])
        if length < 2 or at + length > u64(len(table)):
            break
        if table[at] == kind and length >= least_bytes:
            return at
        at += length
    return 0


def entry_bytes(table: span[u8], at: u64) -> u64:
    """The length of an entry that next_entry() found."""
    return u64(table[at + 1])


def read_power_registers(fadt: span[u8], found: ptr[PowerRegisters]) -> None:
    """Fills what the table has; the extended fields count where they are there and plausible."""
    length = u64(len(fadt))
    if length < _FADT_FLAGS + 4:
        return
    found.smi_port = _port(u64(u32_at(fadt, _FADT_SMI_PORT)))
    found.enable_value = fadt[_FADT_ENABLE_VALUE]
    found.pm1a_port = _port(u64(u32_at(fadt, _FADT_PM1A_CONTROL)))
    found.pm1b_port = _port(u64(u32_at(fadt, _FADT_PM1B_CONTROL)))
    found.dsdt = u64(u32_at(fadt, _FADT_DSDT))
    if length > _FADT_RESET_VALUE and u32_at(fadt, _FADT_FLAGS) & _FLAG_HAS_RESET != 0:
        address = u64_at(fadt, _FADT_RESET_REGISTER + _ADDRESS_OFFSET)
        found.reset_value = fadt[_FADT_RESET_VALUE]
        if fadt[_FADT_RESET_REGISTER] == ADDRESS_SPACE_IO:
            found.reset_port = _port(address)
        elif fadt[_FADT_RESET_REGISTER] == ADDRESS_SPACE_MEMORY:
            found.reset_memory = address
    if length >= _FADT_X_DSDT + 8 and u64_at(fadt, _FADT_X_DSDT) != 0:
        found.dsdt = u64_at(fadt, _FADT_X_DSDT)
    if length >= _FADT_X_PM1B_CONTROL + _ADDRESS_BYTES:
        found.pm1a_port = _extended_port(fadt, _FADT_X_PM1A_CONTROL, found.pm1a_port)
        found.pm1b_port = _extended_port(fadt, _FADT_X_PM1B_CONTROL, found.pm1b_port)


def find_soft_off(aml: span[u8]) -> tuple[bool, u16]:
    """Whether the byte code of a DSDT defines the package _S5, and its first two values, the second one shifted by 8.

    Nothing is interpreted: the name is searched for, and what follows must be a package of small integers.
    """
    length = u64(len(aml))
    for at in range(length):
        if aml[at] == 0x5F and starts_with(aml[at:length], b"_S5_"):
            package = at + _NAME_BYTES
            if package + 1 < length and aml[package] == _AML_PACKAGE:
                # The length of the package takes up to four bytes; how many more follow is in the first.
                values = package + 2 + u64(aml[package + 1] >> 6) + 1
                first, behind = _small_integer(aml, values)
                second, _ = _small_integer(aml, behind)
                if first < 8 and second < 8:
                    return True, first | (second << 8)
                if first < 8:
                    return True, first
    return False, 0


def hpet_address(hpet: span[u8]) -> u64:
    """Physical address of the event timer's registers; 0 when they are not in memory."""
    if u64(len(hpet)) < _HPET_BYTES or hpet[_HPET_ADDRESS] != ADDRESS_SPACE_MEMORY:
        return 0
    return u64_at(hpet, _HPET_ADDRESS + _ADDRESS_OFFSET)


def pci_segment_count(mcfg: span[u8]) -> u64:
    if u64(len(mcfg)) < _MCFG_ENTRIES:
        return 0
    return (u64(len(mcfg)) - _MCFG_ENTRIES) // _MCFG_ENTRY_BYTES


def pci_segment_address(mcfg: span[u8], index: u64) -> u64:
    """Physical address of a segment's configuration space. Requires: index < pci_segment_count()."""
    return u64_at(mcfg, _MCFG_ENTRIES + index * _MCFG_ENTRY_BYTES)


def memory_domain_count(srat: span[u8]) -> u64:
    """How many of the first 64 proximity domains have memory that is in use."""
    seen: u64 = 0
    at = next_entry(srat, SRAT_ENTRIES, SRAT_MEMORY, SRAT_MEMORY_BYTES)
    while at != 0:
        domain = u32_at(srat, at + 2)
        if u32_at(srat, at + 28) & 1 != 0 and domain < 64:
            seen |= u64(1) << u64(domain)
        at = next_entry(srat, at + entry_bytes(srat, at), SRAT_MEMORY, SRAT_MEMORY_BYTES)
    count: u64 = 0
    while seen != 0:
        seen &= seen - 1
        count += 1
    return count


def _port(address: u64) -> u16:
    return u16(address) if address < 0x10000 else u16(0)


def _extended_port(fadt: span[u8], at: u64, otherwise: u16) -> u16:
    if fadt[at] != ADDRESS_SPACE_IO:
        return otherwise
    port = _port(u64_at(fadt, at + _ADDRESS_OFFSET))
    return port if port != 0 else otherwise


def _small_integer(aml: span[u8], at: u64) -> tuple[u16, u64]:
    """The value of an integer constant and where it ends; _NO_VALUE when there is none."""
    length = u64(len(aml))
    if at >= length:
        return _NO_VALUE, at
    prefix = aml[at]
    if prefix <= 1:
        return u16(prefix), at + 1
    if prefix == _AML_BYTE and at + 1 < length:
        return u16(aml[at + 1]), at + 2
    if prefix == _AML_WORD and at + 2 < length:
        return u16_at(aml, at + 1), at + 3
    if prefix == _AML_DWORD and at + 4 < length and u32_at(aml, at + 1) < _NO_VALUE:
        return u16(u32_at(aml, at + 1)), at + 5
    return _NO_VALUE, at
