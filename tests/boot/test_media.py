"""The formats of the images, read back by code that shares nothing with what wrote them."""

import io
import os
import struct
import zlib
from pathlib import Path

import pycdlib
import pytest

from boot.bios import facts
from tests.boot.test_archive import pack
from tools.bios_blob import BadLoader, make_blob, master_code
from tools.fat import make_volume
from tools.iso import make_cd
from tools.limine import FILES, MissingLimine, configuration, find_limine
from tools.partitions import SYSTEM_PARTITION, Partition, disk_image, master_record

SECTOR = 512


class FatReader:
    """A FAT16 volume, read by its own parameters."""

    def __init__(self, volume: bytes) -> None:
        self.volume = volume
        fields = struct.unpack_from("<HBHBHHBHHHII", volume, 11)
        sector, self.cluster_sectors, reserved, fats, self.root_entries, small, _, fat_sectors, *_, large = fields
        assert sector == SECTOR and volume[510:512] == b"\x55\xaa"
        assert (small or large) * SECTOR == len(volume)
        self.table = volume[reserved * SECTOR : (reserved + fat_sectors) * SECTOR]
        assert self.table == volume[(reserved + fat_sectors) * SECTOR : (reserved + 2 * fat_sectors) * SECTOR]
        self.root = (reserved + fats * fat_sectors) * SECTOR
        self.data = self.root + self.root_entries * 32
        clusters = (len(volume) - self.data) // (self.cluster_sectors * SECTOR)
        assert 4085 <= clusters < 65525

    def chain(self, cluster: int) -> bytes:
        pieces = []
        size = self.cluster_sectors * SECTOR
        while 2 <= cluster < 0xFFF8:
            start = self.data + (cluster - 2) * size
            pieces.append(self.volume[start : start + size])
            (cluster,) = struct.unpack_from("<H", self.table, cluster * 2)
        return b"".join(pieces)

    def files(self, directory: bytes | None = None, prefix: str = "") -> dict[str, bytes]:
        if directory is None:
            directory = self.volume[self.root : self.data]
        found: dict[str, bytes] = {}
        long = ""
        for at in range(0, len(directory), 32):
            entry = directory[at : at + 32]
            if entry[0] == 0:
                break
            if entry[11] == 0x0F:
                piece = (entry[1:11] + entry[14:26] + entry[28:32]).decode("utf-16-le")
                long = piece.split("\0")[0] + long
                continue
            short = entry[:8].decode().strip() + ("." + entry[8:11].decode().strip()).rstrip(".")
            name, long = long or short, ""
            cluster, size = struct.unpack_from("<HI", entry, 26)
            if entry[11] & 0x08 or short in (".", ".."):
                continue
            if entry[11] & 0x10:
                found |= self.files(self.chain(cluster), f"{prefix}{name}/")
            else:
                found[prefix + name] = self.chain(cluster)[:size]
        return found


def test_a_volume_gives_its_files_back() -> None:
    files = {
        "EFI/BOOT/BOOTX64.EFI": os.urandom(70001),
        "BOOT/BOOT.TAR": os.urandom(3 << 20),
        "BOOT/EMPTY": b"",
        "boot-configuration.conf": b"a long name",
        "limine-bios.sys": b"another",
    }
    assert FatReader(make_volume(files, "TEST")).files() == files


def test_a_large_volume_has_large_clusters() -> None:
    content = bytes(70 << 20)
    reader = FatReader(make_volume({"BIG": content}, "BIG"))
    assert reader.cluster_sectors > 1 and reader.files() == {"BIG": content}


def test_both_partition_tables_hold_and_agree() -> None:
    first, second = os.urandom(3000), os.urandom(5 << 20)
    image = disk_image([Partition(SYSTEM_PARTITION, "one", first), Partition(SYSTEM_PARTITION, "two", second)], b"code")
    last = len(image) // SECTOR - 1
    tables = []
    for place, other in ((1, last), (last, 1)):
        header = image[place * SECTOR : place * SECTOR + 92]
        own, backup, _, _ = struct.unpack_from("<QQQQ", header, 24)
        table, count, size, checksum = struct.unpack_from("<QIII", header, 72)
        assert header[:8] == b"EFI PART" and (own, backup) == (place, other)
        assert zlib.crc32(header[:16] + bytes(4) + header[20:]) == struct.unpack_from("<I", header, 16)[0]
        entries = image[table * SECTOR : table * SECTOR + count * size]
        assert zlib.crc32(entries) == checksum
        tables.append(entries)
    assert tables[0] == tables[1]
    for number, content in enumerate((first, second)):
        start, end = struct.unpack_from("<QQ", tables[0], number * 128 + 32)
        assert image[start * SECTOR : start * SECTOR + len(content)] == content
        assert (end + 1 - start) * SECTOR >= len(content)
    assert image[:4] == b"code" and image[450] == 0xEE and image[510:512] == b"\x55\xaa"


def test_boot_code_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="has 441 bytes, at most 440 fit"):
        master_record(bytes(441), 0xEF, 0, 0, 0)


def test_a_cd_holds_its_files_where_it_says() -> None:
    files = {"boot/first.bin": os.urandom(10000), "boot/a-long-name.conf": b"text", "efi.img": os.urandom(8192)}
    image = make_cd(files, "TEST", "boot/first.bin", "efi.img")
    for path, content in files.items():
        start = image.extent_of(path) * 2048
        assert image.content[start : start + len(content)] == content
    disc = pycdlib.PyCdlib()
    disc.open_fp(io.BytesIO(bytes(image.content)))
    for path, content in files.items():
        read = io.BytesIO()
        disc.get_file_from_iso_fp(read, rr_path=f"/{path}")
        assert read.getvalue() == content
    disc.close()


def test_a_stage_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadLoader, match=f"has {facts.STAGE_BYTES + 1} bytes, at most {facts.STAGE_BYTES} are loaded"):
        make_blob(bytes(facts.STAGE_BYTES + 1), b"", b"", 0)
    with pytest.raises(BadLoader, match="bytes of code, at most"):
        master_code(bytes(facts.MASTER_STAGE_OFFSET + 1), 0)


def test_limine_that_is_not_there_is_named() -> None:
    with pytest.raises(MissingLimine, match="LIMINE_DIR=/nonesuch is no folder: name a copy"):
        find_limine("/nonesuch")


def test_limine_without_its_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingLimine, match="holds no limine-bios"):
        find_limine(str(tmp_path))


def test_limine_that_is_too_old_is_refused(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).write_bytes(b"\0Limine 8.2.0 (x86-64, BIOS)\0")
    with pytest.raises(MissingLimine, match=r"holds Limine 8\.2: 8\.7 is the oldest"):
        find_limine(str(tmp_path))
    (tmp_path / FILES[0]).write_bytes(b"\0Limine 9.0.1 (x86-64, BIOS)\0")
    assert find_limine(str(tmp_path)) is not None


def test_limine_on_the_path_makes_the_image_start_from_a_stick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a program that stands for Limine's own: it names its folder and notes what it is asked to install into."""
    for name in FILES:
        (tmp_path / name).write_bytes(bytes(4096))
    program = tmp_path / "limine"
    program.write_text(
        f'#!/bin/sh\nif [ "$1" = --print-datadir ]; then echo {tmp_path}; else echo "$@" > {tmp_path}/asked; fi\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    archive, image = tmp_path / "boot.tar", tmp_path / "image.iso"
    archive.write_bytes(pack({"kernel.elf": b"kernel", "init.elf": b"init"}))
    limine = find_limine("")
    assert limine is not None and limine.write_iso(image, archive, "") == f"with Limine from {tmp_path}"
    assert (tmp_path / "asked").read_text() == f"bios-install {image}\n"
    assert image.read_bytes()[510:512] == b"\x55\xaa"


def test_limine_is_told_kernel_modules_and_command_line() -> None:
    text = configuration(["kernel.elf", "init.elf"], "log=debug")
    assert "    kernel_path: boot():/boot/kernel.elf\n    kernel_cmdline: log=debug\n" in text
    assert "    module_path: boot():/boot/init.elf\n" in text
