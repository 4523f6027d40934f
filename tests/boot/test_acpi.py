"""The ACPI tables' readers: what they find, and that no table traps or loops them."""

import struct
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from boot.core import acpi
from compiler.prelude import addr, u64


def with_checksum(content: bytes, place: int, length: int) -> bytes:
    return content[:place] + bytes([-sum(content[:length]) & 0xFF]) + content[place + 1 :]


def root_pointer(revision: int = 2, rsdt: int = 0x1000, xsdt: int = 0x2000) -> bytes:
    first = struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"RINGNK", revision, rsdt)
    second = struct.pack("<IQB3s", 36, xsdt, 0, b"")
    return with_checksum(with_checksum(first, 8, 20) + second, 32, 36)


def local_apic(uid: int, apic_id: int, flags: int = 1) -> bytes:
    return struct.pack("<BBBBI", 0, 8, uid, apic_id, flags)


def local_x2apic(uid: int, apic_id: int, flags: int = 1) -> bytes:
    return struct.pack("<BBHIII", 9, 16, 0, apic_id, flags, uid)


def io_apic(address: int) -> bytes:
    return struct.pack("<BBBBII", 1, 12, 0, 0, address, 0)


def madt(*entries: bytes) -> bytes:
    return bytes(44) + b"".join(entries)


def processors(table: bytes) -> Iterator[tuple[int, int, bool]]:
    at = u64(acpi.MADT_ENTRIES_OFFSET)
    while True:
        found = acpi.Processor()
        at = acpi.next_processor(table, at, addr(found))
        if at == 0:
            return
        yield int(found.uid), int(found.apic_id), bool(found.is_x2apic)


def io_apics(table: bytes) -> Iterator[int]:
    address, at = acpi.next_io_apic(table, u64(acpi.MADT_ENTRIES_OFFSET))
    while at != 0:
        yield int(address)
        address, at = acpi.next_io_apic(table, at)


def test_the_newer_root_table_is_preferred() -> None:
    assert acpi.check_rsdp(root_pointer())
    assert acpi.root_table(root_pointer()) == (0x2000, True)
    assert acpi.root_table(root_pointer(revision=0)) == (0x1000, False)
    assert acpi.root_table(root_pointer(xsdt=0)) == (0x1000, False)


def test_a_bad_second_checksum_falls_back_to_the_first() -> None:
    damaged = bytearray(root_pointer())
    damaged[33] ^= 1
    assert acpi.root_table(bytes(damaged)) == (0x1000, False)


def test_a_bad_first_checksum_is_no_root_pointer() -> None:
    damaged = bytearray(root_pointer())
    damaged[9] ^= 1
    assert not acpi.check_rsdp(bytes(damaged))


def test_enabled_processors_are_found_in_order() -> None:
    sleeping = local_apic(1, 2, flags=0)
    table = madt(local_apic(0, 0), io_apic(0xFEC00000), sleeping, local_x2apic(300, 1000), local_apic(7, 6))
    assert list(processors(table)) == [(0, 0, False), (300, 1000, True), (7, 6, False)]
    assert list(io_apics(table)) == [0xFEC00000]


def test_entries_without_length_end_the_walk() -> None:
    table = madt(local_apic(0, 0), b"\0\0", local_apic(1, 1))
    assert list(processors(table)) == [(0, 0, False)]


@given(st.binary(max_size=400))
def test_any_table_ends_the_walk_without_a_trap(content: bytes) -> None:
    assert len(list(processors(madt(content)))) <= len(content) // 8
    assert len(list(io_apics(madt(content)))) <= len(content) // 12


@given(st.binary(max_size=300))
def test_any_fadt_gives_a_port(content: bytes) -> None:
    assert 0 <= int(acpi.pm_timer_port(content)) < 0x10000


@given(st.binary(min_size=36, max_size=36))
def test_impossible_lengths_are_no_table(content: bytes) -> None:
    length = acpi.table_length(content)
    assert length == 0 or acpi.TABLE_HEADER_BYTES <= length <= acpi.LARGEST_TABLE_BYTES
