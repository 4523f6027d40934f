"""ACPI tables found through the root pointer, each checked before it is believed.

Addresses are physical and identity mapped here. A table with a bad checksum or length is as good as missing.
"""
from boot.core import acpi
from boot.core.fields import byte_sum, starts_with
from compiler.prelude import ptr, span, u8, u64


def find_table(rsdp_address: u64, signature: span[u8]) -> span[u8]:
    """The table of that signature, or an empty span."""
    if rsdp_address == 0:
        return span(ptr[u8](8), 0)
    head = span(ptr[u8](rsdp_address), acpi.RSDP_V1_BYTES)
    if not acpi.check_rsdp(head):
        return head[0:0]
    length = u64(acpi.RSDP_V2_BYTES if head[15] >= 2 else acpi.RSDP_V1_BYTES)
    root_address, is_wide = acpi.root_table(span(ptr[u8](rsdp_address), length))
    root = _open_table(root_address)
    if u64(len(root)) == 0:
        return root
    for index in range(acpi.root_entry_count(root, is_wide)):
        table = _open_table(acpi.root_entry(root, is_wide, index))
        if u64(len(table)) != 0 and starts_with(table, signature):
            return table
    return root[0:0]


def _open_table(address: u64) -> span[u8]:
    if address == 0:
        return span(ptr[u8](8), 0)
    header = span(ptr[u8](address), acpi.TABLE_HEADER_BYTES)
    table = span(ptr[u8](address), acpi.table_length(header))
    if byte_sum(table) != 0:
        return table[0:0]
    return table
