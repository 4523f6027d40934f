"""A FAT16 volume made in memory: enough for an EFI system partition.

Every file is contiguous, directories come from the paths, names may be long. Dates are fixed, so that the same files
give the same bytes. Source: Microsoft FAT specification, 2004.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

SECTOR = 512
RESERVED_SECTORS = 4
ROOT_ENTRIES = 512
FATS = 2
LEAST_CLUSTERS, MOST_CLUSTERS = 4085, 65524
END_OF_CHAIN = 0xFFFF
DIRECTORY, ARCHIVE, LONG_NAME = 0x10, 0x20, 0x0F
DATE, TIME = (2024 - 1980) << 9 | 1 << 5 | 1, 0
_ENTRY = struct.Struct("<11sBBBHHHHHHHI")
_LONG_PIECES = ((1, 5), (14, 6), (28, 2))
_SHORT_ALPHABET = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@dataclass
class _Folder:
    folders: dict[str, "_Folder"] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def make_volume(files: Mapping[str, bytes], label: str, hidden_sectors: int = 0) -> bytes:
    """A volume that holds the files, by paths like "EFI/BOOT/BOOTX64.EFI", and a tenth of free space.

    `hidden_sectors` is where the volume begins on its disk.
    """
    wanted = sum(len(content) + SECTOR for content in files.values())
    return _Volume(max(4 << 20, wanted + wanted // 10), label, hidden_sectors).fill(files)


class _Volume:
    def __init__(self, data_bytes: int, label: str, hidden_sectors: int) -> None:
        self.label = label.upper().ljust(11).encode()[:11]
        self.hidden_sectors = hidden_sectors
        self.cluster_sectors = 1
        while data_bytes // (self.cluster_sectors * SECTOR) >= MOST_CLUSTERS:
            self.cluster_sectors *= 2
        self.cluster_bytes = self.cluster_sectors * SECTOR
        self.clusters = max(data_bytes // self.cluster_bytes, LEAST_CLUSTERS)
        self.fat_sectors = -(-(self.clusters + 2) * 2 // SECTOR)
        self.data_start = RESERVED_SECTORS + FATS * self.fat_sectors + ROOT_ENTRIES * 32 // SECTOR
        self.sectors = self.data_start + self.clusters * self.cluster_sectors
        self.chains = [0xFFF8, END_OF_CHAIN]
        self.image = bytearray(self.sectors * SECTOR)

    def fill(self, files: Mapping[str, bytes]) -> bytes:
        root = _Folder()
        for path, content in files.items():
            *folders, name = path.split("/")
            folder = root
            for part in folders:
                folder = folder.folders.setdefault(part, _Folder())
            folder.files[name] = content
        entries = _entry(self.label, 0x08, 0, 0) + self._children(root, 0)
        assert len(entries) <= ROOT_ENTRIES * 32
        self._write(RESERVED_SECTORS + FATS * self.fat_sectors, entries)
        self._write(0, self._boot_sector())
        table = struct.pack(f"<{len(self.chains)}H", *self.chains)
        for copy in range(FATS):
            self._write(RESERVED_SECTORS + copy * self.fat_sectors, table)
        return bytes(self.image)

    def _children(self, folder: _Folder, own_cluster: int) -> bytes:
        """The directory entries of everything in the folder, whose contents are placed on the way."""
        entries, taken = b"", set[bytes]()
        for name, child in folder.folders.items():
            count = sum(1 + _long_count(entry) for entry in [*child.folders, *child.files]) + 2
            cluster = self._allocate(count * 32)
            inside = _entry(b".          ", DIRECTORY, cluster, 0) + _entry(b"..         ", DIRECTORY, own_cluster, 0)
            self._store(cluster, inside + self._children(child, cluster))
            entries += _named_entry(name, taken, DIRECTORY, cluster, 0)
        for name, content in folder.files.items():
            cluster = self._allocate(len(content)) if content else 0
            self._store(cluster, content)
            entries += _named_entry(name, taken, ARCHIVE, cluster, len(content))
        return entries

    def _allocate(self, length: int) -> int:
        """A chain of neighbouring clusters. Returns the first."""
        first = len(self.chains)
        count = -(-length // self.cluster_bytes)
        self.chains += [*range(first + 1, first + count), END_OF_CHAIN]
        assert len(self.chains) <= self.clusters + 2
        return first

    def _store(self, cluster: int, content: bytes) -> None:
        if content:
            self._write(self.data_start + (cluster - 2) * self.cluster_sectors, content)

    def _write(self, sector: int, content: bytes) -> None:
        self.image[sector * SECTOR : sector * SECTOR + len(content)] = content

    def _boot_sector(self) -> bytes:
        small = self.sectors if self.sectors < 0x10000 else 0
        parameters = struct.pack(
            "<3s8sHBHBHHBHHHIIBBBI11s8s",
            *(b"\xeb\x3c\x90", b"RINGNECK", SECTOR, self.cluster_sectors, RESERVED_SECTORS, FATS, ROOT_ENTRIES),
            *(small, 0xF8, self.fat_sectors, 63, 255, self.hidden_sectors, 0 if small else self.sectors),
            *(0x80, 0, 0x29, 0x52494E47, self.label, b"FAT16   "),
        )
        return parameters.ljust(510, b"\0") + b"\x55\xaa"


def _entry(short_name: bytes, attributes: int, cluster: int, size: int) -> bytes:
    return _ENTRY.pack(short_name, attributes, 0, 0, TIME, DATE, DATE, 0, TIME, DATE, cluster, size)


def _named_entry(name: str, taken: set[bytes], attributes: int, cluster: int, size: int) -> bytes:
    """A directory entry, behind those of its long name where the name needs them."""
    short = _short_name(name, taken)
    taken.add(short)
    long = _long_entries(name, short) if _long_count(name) else b""
    return long + _entry(short, attributes, cluster, size)


def _long_count(name: str) -> int:
    """How many entries the long name takes: none when the short form, whose case does not matter, says it all."""
    stem, _, extension = name.partition(".")
    plain = len(stem) <= 8 and len(extension) <= 3 and set(stem.upper() + extension.upper()) <= _SHORT_ALPHABET
    return 0 if plain else -(-len(name) // 13)


def _short_name(name: str, taken: set[bytes]) -> bytes:
    stem, _, extension = name.upper().partition(".")
    stem = "".join(c if c in _SHORT_ALPHABET else "_" for c in stem)
    extension = "".join(c if c in _SHORT_ALPHABET else "_" for c in extension)[:3]
    if not _long_count(name):
        return f"{stem:8}{extension:3}".encode()
    numbered = (f"{stem[:6]}~{number}" for number in range(1, 10))
    return next(short for n in numbered if (short := f"{n:8}{extension:3}".encode()) not in taken)


def _long_entries(name: str, short: bytes) -> bytes:
    checksum = 0
    for byte in short:
        checksum = ((checksum & 1) << 7 | checksum >> 1) + byte & 0xFF
    characters = [ord(c) for c in name] + [0]
    count = _long_count(name)
    characters = (characters + [0xFFFF] * 13)[: count * 13]
    entries = []
    for number in range(count):
        entry = bytearray(32)
        entry[0] = number + 1 | (0x40 if number == count - 1 else 0)
        entry[11], entry[13] = LONG_NAME, checksum
        piece = characters[number * 13 : number * 13 + 13]
        for offset, length in _LONG_PIECES:
            struct.pack_into(f"<{length}H", entry, offset, *piece[:length])
            piece = piece[length:]
        entries.append(bytes(entry))
    return b"".join(reversed(entries))
