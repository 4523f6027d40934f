"""The firmware's tables, found, checked and mapped: read-only, for good.

Owns: the list of tables. A table whose checksum or length is wrong is told and left out; a machine without any works
in lesser ways. Not here: what is in them (arch/x86_64/acpi.py).
"""
from boot.core import acpi
from boot.core.fields import byte_sum, starts_with
from compiler.prelude import addr, array, const, ptr, span, struct, u8, u64, zeroed
from kernel.arch.x86_64 import cpu, paging
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.core import log
from kernel.core.configuration import given
from kernel.core.line import Line
from kernel.memory import kernel_space

_LIMIT = const(64)                      # tables that are looked at
_SIGNATURE_BYTES = const(4)


@struct
class Table:
    address: u64                        # where it is mapped
    length: u64


_tables: array[Table, _LIMIT] = zeroed()
_count: u64 = 0


def find_tables() -> str:
    """Maps every good table. Requires: the kernel's page tables are in force."""
    place = given.root_pointer
    if place == 0:
        log.warn("boot: the machine has no ACPI tables")
        return ""
    rsdp = _map(place, acpi.RSDP_V2_BYTES)
    if u64(len(rsdp)) == 0 or not acpi.check_rsdp(rsdp):
        log.warn(f"boot: the ACPI root pointer at {place:#x} is damaged")
        return ""
    address, is_wide = acpi.root_table(rsdp)
    root = _map_table(address)
    if u64(len(root)) == 0:
        return ""
    for index in range(min(acpi.root_entry_count(root, is_wide), _LIMIT)):
        _add(acpi.root_entry(root, is_wide, index))
    return ""


def find_table(signature: span[u8]) -> span[u8]:
    """The first good table of this name; empty when there is none."""
    for index in range(_count):
        table = span(ptr[u8](_tables[index].address), _tables[index].length)
        if starts_with(table, signature):
            return table
    return span(ptr[u8](addr(_tables)), 0)


def map_table(address: u64) -> span[u8]:
    """A table that another one points at; empty when it is damaged."""
    return _map_table(address)


def _add(address: u64) -> None:
    global _count
    table = _map_table(address)
    if u64(len(table)) != 0:
        _tables[_count] = Table(address=u64(addr(table[0])), length=u64(len(table)))
        _count += 1


def _map_table(address: u64) -> span[u8]:
    header = _map(address, acpi.TABLE_HEADER_BYTES)
    if u64(len(header)) == 0:
        return header
    length = acpi.table_length(header)
    if length == 0:
        _tell(header, address, "has an impossible length")
        return header[0:0]
    table = _map(address, length) if length > PAGE_BYTES - (address & (PAGE_BYTES - 1)) else _extend(header, length)
    if u64(len(table)) != 0 and byte_sum(table) != 0:
        _tell(header, address, "has a wrong checksum")
        return header[0:0]
    return table


def _extend(header: span[u8], length: u64) -> span[u8]:
    """The rest of a table that ends in the page where it begins."""
    return span(addr(header[0]), length)


def _map(address: u64, length: u64) -> span[u8]:
    nothing = span(ptr[u8](addr(_tables)), 0)
    start = address & ~u64(PAGE_BYTES - 1)
    end = (address + length + PAGE_BYTES - 1) & ~u64(PAGE_BYTES - 1)
    if address == 0 or end > cpu.physical_end() or end < address:
        return nothing
    place = kernel_space.map_hardware(start, end - start, paging.KERNEL_READ_ONLY)
    if place == 0:
        return nothing
    return span(ptr[u8](place + (address - start)), length)


def _tell(header: span[u8], address: u64, what: str) -> None:
    line = Line()
    line.text("boot: the ACPI table ")
    line.untrusted(header[0:_SIGNATURE_BYTES])
    line.add(f" at {address:#x} ")
    line.text(what)
    log.warn_line(addr(line))
