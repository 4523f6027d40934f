"""ACPI tables: root pointer, root tables, MADT and FADT, read from byte spans.

Pure: tested on the host; nothing here follows an address. Source: ACPI 6.5, 5.2 (5.2.5 RSDP, 5.2.9 FADT, 5.2.12 MADT).
Invariants: an entry of length zero ends a walk, so that no table can make one endless.
"""
from boot.core.fields import byte_sum, starts_with, u16_at, u32_at, u64_at
from compiler.prelude import const, ptr, span, struct, u8, u16, u32, u64

RSDP_V1_BYTES = const(20)
RSDP_V2_BYTES = const(36)
TABLE_HEADER_BYTES = const(36)
LARGEST_TABLE_BYTES = const(1 << 20)

MADT_ENTRIES_OFFSET = const(44)
MADT_LOCAL_APIC = const(0)
MADT_IO_APIC = const(1)
MADT_LOCAL_X2APIC = const(9)
PROCESSOR_ENABLED = const(1)

FADT_PM_TIMER_OFFSET = const(76)
FADT_X_PM_TIMER_OFFSET = const(208)
ADDRESS_SPACE_IO = const(1)


@struct
class Processor:
    uid: u32
    apic_id: u32
    is_x2apic: bool


def check_rsdp(rsdp: span[u8]) -> bool:
    """Requires: at least the 20 bytes of the first version."""
    return starts_with(rsdp, b"RSD PTR ") and byte_sum(rsdp[0:RSDP_V1_BYTES]) == 0


def root_table(rsdp: span[u8]) -> tuple[u64, bool]:
    """Physical address of the XSDT (True) or RSDT (False); 0 when there is none."""
    if rsdp[15] >= 2 and u64(len(rsdp)) >= RSDP_V2_BYTES:
        if byte_sum(rsdp[0:RSDP_V2_BYTES]) == 0 and u64_at(rsdp, 24) != 0:
            return u64_at(rsdp, 24), True
    return u64(u32_at(rsdp, 16)), False


def table_length(header: span[u8]) -> u64:
    """The table's length from its header; 0 when it cannot be one."""
    length = u64(u32_at(header, 4))
    if length < TABLE_HEADER_BYTES or length > LARGEST_TABLE_BYTES:
        return 0
    return length


def root_entry_count(root: span[u8], is_wide: bool) -> u64:
    return (u64(len(root)) - TABLE_HEADER_BYTES) // (8 if is_wide else 4)


def root_entry(root: span[u8], is_wide: bool, index: u64) -> u64:
    if is_wide:
        return u64_at(root, TABLE_HEADER_BYTES + index * 8)
    return u64(u32_at(root, TABLE_HEADER_BYTES + index * 4))


def next_processor(madt: span[u8], offset: u64, processor: ptr[Processor]) -> u64:
    """Fills `processor` from the first enabled processor at or behind `offset`.

    Returns where to go on, or 0 when there is none left. Begin with MADT_ENTRIES_OFFSET.
    """
    at = offset
    while at + 2 <= u64(len(madt)):
        kind = madt[at]
        length = u64(madt[at + 1])
        if length < 2 or at + length > u64(len(madt)):
            return 0
        following = at + length
        if kind == MADT_LOCAL_APIC and length >= 8 and (u32_at(madt, at + 4) & PROCESSOR_ENABLED) != 0:
            processor.uid = u32(madt[at + 2])
            processor.apic_id = u32(madt[at + 3])
            processor.is_x2apic = False
            return following
        if kind == MADT_LOCAL_X2APIC and length >= 16 and (u32_at(madt, at + 8) & PROCESSOR_ENABLED) != 0:
            processor.uid = u32_at(madt, at + 12)
            processor.apic_id = u32_at(madt, at + 4)
            processor.is_x2apic = True
            return following
        at = following
    return 0


def next_io_apic(madt: span[u8], offset: u64) -> tuple[u64, u64]:
    """Address of the first I/O APIC at or behind `offset` and where to go on; 0, 0 when there is none left."""
    at = offset
    while at + 2 <= u64(len(madt)):
        length = u64(madt[at + 1])
        if length < 2 or at + length > u64(len(madt)):
            break
        if madt[at] == MADT_IO_APIC and length >= 12:
            return u64(u32_at(madt, at + 4)), at + length
        at += length
    return 0, 0


def pm_timer_port(fadt: span[u8]) -> u16:
    """I/O port of the power-management timer; 0 when the machine has none there."""
    if u64(len(fadt)) >= FADT_X_PM_TIMER_OFFSET + 12 and fadt[FADT_X_PM_TIMER_OFFSET] == ADDRESS_SPACE_IO:
        extended = u64_at(fadt, FADT_X_PM_TIMER_OFFSET + 4)
        if 0 < extended < 0x10000:
            return u16(extended)
    if u64(len(fadt)) < FADT_PM_TIMER_OFFSET + 4:
        return 0
    return u16_at(fadt, FADT_PM_TIMER_OFFSET)
