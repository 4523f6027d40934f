"""What a BIOS loads: the real-mode stage, the 64-bit loader behind it and the boot archive, in one piece.

The stage finds the rest by the table that is filled in here; boot/bios/facts.py gives the layout.
"""

import struct
from io import BytesIO

from elftools.elf.elffile import ELFFile

from boot.bios import facts
from tools.partitions import SECTOR

PVH_NOTE = 18
PIECE = 2048


class BadLoader(Exception):
    """The 64-bit loader cannot be used behind the stage; the text says why."""


def make_blob(stage: bytes, loader: bytes, archive: bytes, first_unit: int) -> bytes:
    """The bytes that begin at 512-byte unit `first_unit` of the medium, a multiple of four. Errors: BadLoader."""
    if len(stage) > facts.STAGE_BYTES:
        raise BadLoader(f"the BIOS stage has {len(stage)} bytes, at most {facts.STAGE_BYTES} are loaded")
    base, image, entry = flatten(loader)
    if base + len(image) > facts.ARCHIVE_ADDRESS:
        raise BadLoader(f"the BIOS loader reaches into the archive at {facts.ARCHIVE_ADDRESS:#x}")
    loader_unit = first_unit + facts.STAGE_BYTES // facts.UNIT_BYTES
    archive_unit = loader_unit + _units(image)
    table = struct.pack(
        f"<{facts.TABLE_WORDS}I",
        *(entry, loader_unit, _units(image), base),
        *(archive_unit, _units(archive), facts.ARCHIVE_ADDRESS, len(archive)),
    )
    stage = stage[: facts.TABLE_OFFSET] + table + stage[facts.TABLE_OFFSET + len(table) :]
    blob = stage.ljust(facts.STAGE_BYTES, b"\0") + _padded(image) + _padded(archive)
    return blob + bytes(facts.BOUNCE_UNITS * facts.UNIT_BYTES)


def flatten(loader: bytes) -> tuple[int, bytes, int]:
    """Address, memory image and 32-bit entry point of a loader. Errors: BadLoader."""
    elf = ELFFile(BytesIO(loader))
    segments = [segment for segment in elf.iter_segments() if segment["p_type"] == "PT_LOAD"]
    base = min(segment["p_paddr"] for segment in segments)
    end = max(segment["p_paddr"] + segment["p_memsz"] for segment in segments)
    image = bytearray(end - base)
    for segment in segments:
        offset = segment["p_paddr"] - base
        image[offset : offset + segment["p_filesz"]] = segment.data()
    return base, bytes(image), _entry_point(elf)


def master_code(record: bytes, stage_unit: int) -> bytes:
    """The master boot record's code, told where the stage begins."""
    code = record.ljust(facts.MASTER_STAGE_OFFSET, b"\0")
    if len(code) != facts.MASTER_STAGE_OFFSET:
        room = facts.MASTER_STAGE_OFFSET
        raise BadLoader(f"the master boot record has {len(record)} bytes of code, at most {room} fit")
    return code + struct.pack("<I", stage_unit)


def _entry_point(elf: ELFFile) -> int:
    for section in elf.iter_sections():
        data = section.data() if section["sh_type"] == "SHT_NOTE" else b""
        if len(data) >= 20 and struct.unpack_from("<III", data) == (4, 4, PVH_NOTE):
            return int(struct.unpack_from("<I", data, 16)[0])
    raise BadLoader("the BIOS loader has no PVH note, which names its 32-bit entry point")


def _units(content: bytes) -> int:
    return len(_padded(content)) // SECTOR


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % PIECE)
