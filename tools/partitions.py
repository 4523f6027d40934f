"""Partition tables: the master boot record of a hybrid CD image, and the GUID table of a disk image.

Source: UEFI 2.10, 5.2 (legacy and protective records), 5.3 (GUID partition table). Identifiers are derived from the
contents, so that the same contents give the same bytes.
"""

import struct
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

SECTOR = 512
ALIGNMENT = 1 << 20
SYSTEM_PARTITION = uuid.UUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
BIOS_BOOT_PARTITION = uuid.UUID("21686148-6449-6E6F-744E-656564454649")
MBR_SYSTEM_PARTITION, MBR_PROTECTIVE, MBR_ACTIVE = 0xEF, 0xEE, 0x80
_ENTRIES, _ENTRY_BYTES = 128, 128
_TABLE_SECTORS = _ENTRIES * _ENTRY_BYTES // SECTOR
_NAMESPACE = uuid.UUID("5f0e4d7a-6c1b-4a63-9b5e-52494e474e45")


@dataclass(frozen=True)
class Partition:
    kind: uuid.UUID
    name: str
    content: bytes


def master_record(code: bytes, kind: int, flag: int, first: int, count: int) -> bytes:
    """Boot code and one partition of sectors."""
    if len(code) > 440:
        raise ValueError(f"the boot code of a master record has {len(code)} bytes, at most 440 fit")
    entry = struct.pack("<B3sB3sII", flag, b"\0\2\0", kind, b"\xff\xff\xff", first, min(count, 0xFFFFFFFF))
    return code.ljust(446, b"\0") + entry.ljust(64, b"\0") + b"\x55\xaa"


def first_sectors(partitions: Sequence[Partition]) -> list[int]:
    """Where each partition will begin: on whole MiB, in order."""
    position, firsts = ALIGNMENT, []
    for partition in partitions:
        firsts.append(position // SECTOR)
        position += _round_up(len(partition.content))
    return firsts


def disk_image(partitions: Sequence[Partition], boot_code: bytes) -> bytes:
    """A whole disk: protective record with the boot code, both GUID tables, the partitions."""
    firsts = first_sectors(partitions)
    end = ALIGNMENT + sum(_round_up(len(partition.content)) for partition in partitions)
    sectors = end // SECTOR + _TABLE_SECTORS + 1
    sectors += -sectors % 8
    entries = b"".join(_entry(p, first) for p, first in zip(partitions, firsts, strict=True))
    entries = entries.ljust(_ENTRIES * _ENTRY_BYTES, b"\0")
    image = bytearray(sectors * SECTOR)
    image[:SECTOR] = master_record(boot_code, MBR_PROTECTIVE, 0, 1, sectors - 1)
    image[SECTOR : 2 * SECTOR] = _header(entries, 1, sectors - 1, 2, sectors)
    image[2 * SECTOR : 2 * SECTOR + len(entries)] = entries
    for partition, first in zip(partitions, firsts, strict=True):
        image[first * SECTOR : first * SECTOR + len(partition.content)] = partition.content
    backup = sectors - 1 - _TABLE_SECTORS
    image[backup * SECTOR : (sectors - 1) * SECTOR] = entries
    image[(sectors - 1) * SECTOR :] = _header(entries, sectors - 1, 1, backup, sectors)
    return bytes(image)


def _entry(partition: Partition, first: int) -> bytes:
    last = first + _round_up(len(partition.content)) // SECTOR - 1
    own = uuid.uuid5(_NAMESPACE, f"{partition.name} {zlib.crc32(partition.content)}")
    name = partition.name.encode("utf-16-le").ljust(72, b"\0")
    return partition.kind.bytes_le + own.bytes_le + struct.pack("<QQQ", first, last, 0) + name


def _header(entries: bytes, own: int, other: int, table: int, sectors: int) -> bytes:
    disk = uuid.uuid5(_NAMESPACE, f"disk {zlib.crc32(entries)}")
    first, last = 2 + _TABLE_SECTORS, sectors - 2 - _TABLE_SECTORS
    shape = (table, _ENTRIES, _ENTRY_BYTES, zlib.crc32(entries))
    rest = struct.pack("<QQQQ16sQIII", own, other, first, last, disk.bytes_le, *shape)
    header = struct.pack("<8sIIII", b"EFI PART", 0x10000, 92, 0, 0) + rest
    checksum = zlib.crc32(header)
    return (header[:16] + struct.pack("<I", checksum) + header[20:]).ljust(SECTOR, b"\0")


def _round_up(length: int) -> int:
    return length + -length % ALIGNMENT
