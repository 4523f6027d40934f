"""The direct door with ACPI tables of its own: processors 0 and 1, and between them 77, which never answers."""
from typing import NoReturn

from boot.core import start
from boot.core.fields import byte_sum
from boot.core.firmware_tables import find_table
from boot.core.handoff import Handoff
from boot.direct import entry  # noqa: F401 - the code that calls _start
from boot.direct.reception import receive
from boot.direct.start_info import StartInfo
from compiler.prelude import addr, array, const, export, ptr, sizeof, span, struct, u8, u32, u64, wrap_neg, zeroed

DEAD_PROCESSOR = const(77)
PROCESSORS = const(3)
ENTRIES_OFFSET = const(44)


@struct(packed=True)
class RootPointer:
    signature: u64
    checksum: u8
    oem: array[u8, 6]
    revision: u8
    rsdt: u32
    length: u32
    xsdt: u64
    extended_checksum: u8
    reserved: array[u8, 3]


@struct(packed=True)
class Header:
    signature: u32
    length: u32
    revision: u8
    checksum: u8
    rest: array[u8, 26]


@struct(packed=True)
class RootTable:
    header: Header
    madt: u64
    fadt: u64


@struct(packed=True)
class LocalApic:
    kind: u8
    length: u8
    uid: u8
    apic_id: u8
    flags: u32


@struct(packed=True)
class ProcessorTable:
    header: Header
    local_apic: u32
    flags: u32
    entries: array[LocalApic, PROCESSORS]


_handoff: Handoff = zeroed()
_root_pointer: RootPointer = zeroed()
_root: RootTable = zeroed()
_processors: ProcessorTable = zeroed()


@export("_start")
def begin(info: ptr[StartInfo]) -> NoReturn:
    receive(info, addr(_handoff))
    _make_tables(u64(addr(find_table(info.rsdp, b"FACP")[0])))
    _handoff.rsdp = u64(addr(_root_pointer))
    start.boot(addr(_handoff))


def _make_tables(fadt: u64) -> None:
    for index in range(u64(PROCESSORS)):
        _processors.entries[index].length = sizeof(LocalApic)
        _processors.entries[index].uid = u8(index)
        _processors.entries[index].flags = 1
    _processors.entries[1].apic_id = DEAD_PROCESSOR
    _processors.entries[2].apic_id = 1
    _processors.header.signature = 0x43495041               # "APIC"
    _processors.header.length = sizeof(ProcessorTable)
    _processors.header.checksum = _complement(u64(addr(_processors)), sizeof(ProcessorTable))
    _root.header.signature = 0x54445358                     # "XSDT"
    _root.header.length = sizeof(RootTable)
    _root.madt = u64(addr(_processors))
    _root.fadt = fadt
    _root.header.checksum = _complement(u64(addr(_root)), sizeof(RootTable))
    _root_pointer.signature = 0x2052545020445352            # "RSD PTR "
    _root_pointer.revision = 2
    _root_pointer.length = sizeof(RootPointer)
    _root_pointer.xsdt = u64(addr(_root))
    _root_pointer.checksum = _complement(u64(addr(_root_pointer)), 20)
    _root_pointer.extended_checksum = _complement(u64(addr(_root_pointer)), sizeof(RootPointer))


def _complement(address: u64, length: u64) -> u8:
    """What makes the bytes add up to zero."""
    return wrap_neg(byte_sum(span(ptr[u8](address), length)))


assert sizeof(RootPointer) == 36
assert sizeof(ProcessorTable) == ENTRIES_OFFSET + PROCESSORS * 8
