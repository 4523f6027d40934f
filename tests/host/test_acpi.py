"""The kernel's readers of firmware tables: what they find, and that no table traps or loops them."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from compiler.prelude import addr, u64
from kernel.arch.x86_64 import acpi


def fadt(length: int = 276, **fields: int) -> bytes:
    places = {
        "dsdt": (40, "<I"), "smi": (48, "<I"), "enable": (52, "<B"), "pm1a": (64, "<I"), "pm1b": (68, "<I"),
        "flags": (112, "<I"), "reset_space": (116, "<B"), "reset": (120, "<Q"), "reset_value": (128, "<B"),
        "x_dsdt": (140, "<Q"), "x_pm1a_space": (172, "<B"), "x_pm1a": (176, "<Q"),
    }  # fmt: skip
    table = bytearray(276)
    for name, value in fields.items():
        struct.pack_into(places[name][1], table, places[name][0], value)
    return bytes(table[:length])


def read(table: bytes) -> acpi.PowerRegisters:
    found = acpi.PowerRegisters()
    acpi.read_power_registers(table, addr(found))
    return found


def test_power_registers_of_an_old_table() -> None:
    found = read(fadt(116, dsdt=0x1000, smi=0xB2, enable=0xA0, pm1a=0x604, flags=1 << 10, x_dsdt=0x2000))
    assert (found.pm1a_port, found.pm1b_port, found.smi_port, found.enable_value) == (0x604, 0, 0xB2, 0xA0)
    assert (found.reset_port, found.reset_memory, found.dsdt) == (0, 0, 0x1000)


def test_extended_fields_count_where_they_are_plausible() -> None:
    found = read(fadt(dsdt=1, pm1a=0x604, x_dsdt=0x2000, x_pm1a_space=1, x_pm1a=0x700))
    assert (found.pm1a_port, found.dsdt) == (0x700, 0x2000)
    assert read(fadt(pm1a=0x604, x_pm1a_space=1, x_pm1a=0x1_0000)).pm1a_port == 0x604
    assert read(fadt(pm1a=0x604, x_pm1a_space=0, x_pm1a=0x700)).pm1a_port == 0x604


def test_the_reset_register_counts_only_with_its_flag() -> None:
    assert read(fadt(reset_space=1, reset=0xCF9, reset_value=6)).reset_port == 0
    found = read(fadt(flags=1 << 10, reset_space=1, reset=0xCF9, reset_value=6))
    assert (found.reset_port, found.reset_value) == (0xCF9, 6)
    found = read(fadt(flags=1 << 10, reset_space=0, reset=0xFED0_0000, reset_value=1))
    assert (found.reset_port, found.reset_memory) == (0, 0xFED0_0000)


def soft_off(aml: bytes) -> tuple[bool, int]:
    has_soft_off, types = acpi.find_soft_off(aml)
    return bool(has_soft_off), int(types)


def test_soft_off_is_found_in_the_byte_code() -> None:
    package = b"\x12\x06\x04"
    assert soft_off(b"junk_S5X\x08_S5_" + package + b"\x0a\x05\x0a\x07\0\0") == (True, 0x705)
    assert soft_off(b"\x08_S5_" + package + b"\0\0\0\0") == (True, 0)
    assert soft_off(b"\x08_S5_" + package + b"\x01\x01") == (True, 0x101)
    assert soft_off(b"\x08_S5_" + b"\x12\x46\x00\x04" + b"\x0b\x05\0\x0c\x06\0\0\0") == (True, 0x605)
    assert soft_off(b"\x08_S5_" + b"\x11\x06\x04\x05") == (False, 0)
    assert soft_off(b"\x08_S5_" + package + b"\x0a\xff") == (False, 0)
    assert soft_off(b"_S5_") == (False, 0)


@given(st.lists(st.sampled_from([b"_S5_", b"\x12", b"\x08", b"\x0a", b"\x0b", b"\x0c", b"\xff", b"\x05", b"\xc4"])))
def test_any_byte_code_is_survived(parts: list[bytes]) -> None:
    soft_off(b"".join(parts))


@given(st.binary(max_size=300))
def test_any_table_is_survived(content: bytes) -> None:
    read(content)
    acpi.hpet_address(content)
    for index in range(int(acpi.pci_segment_count(content))):
        acpi.pci_segment_address(content, u64(index))
    assert 0 <= int(acpi.memory_domain_count(content)) <= 64


def test_event_timer_and_segments() -> None:
    hpet = bytes(36) + struct.pack("<I", 0) + struct.pack("<BBBBQ", 0, 64, 0, 0, 0xFED0_0000) + bytes(8)
    assert acpi.hpet_address(hpet) == 0xFED0_0000
    assert acpi.hpet_address(hpet[:40] + b"\x01" + hpet[41:]) == 0
    mcfg = bytes(44) + struct.pack("<QHBBI", 0xB000_0000, 0, 0, 255, 0)
    assert acpi.pci_segment_count(mcfg) == 1
    assert acpi.pci_segment_address(mcfg, 0) == 0xB000_0000


def memory_affinity(domain: int, enabled: int) -> bytes:
    return struct.pack("<BBIHQQII8x", 1, 40, domain, 0, 0, 1 << 20, 0, enabled)


def test_memory_domains() -> None:
    processor = struct.pack("<BB14x", 0, 16)
    table = bytes(48) + processor + memory_affinity(0, 1) + memory_affinity(1, 1) + memory_affinity(1, 1)
    assert acpi.memory_domain_count(table) == 2
    assert acpi.memory_domain_count(table + memory_affinity(5, 0) + memory_affinity(99, 1)) == 2


@given(st.binary(max_size=400), st.integers(0, 20))
def test_walks_end(content: bytes, kind: int) -> None:
    table = bytes(acpi.MADT_ENTRIES) + content
    at, seen = u64(acpi.MADT_ENTRIES), 0
    while (at := acpi.next_entry(table, at, kind, 4)) != 0:
        seen += 1
        at += acpi.entry_bytes(table, at)
    assert seen <= len(content) // 4
