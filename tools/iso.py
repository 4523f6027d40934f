"""CD images that also boot as disks: ISO 9660 with Rock Ridge and Joliet names, El Torito entries for BIOS and UEFI.

Files keep their order and each is contiguous; `extent_of` tells where, so that boot code can be told. The
dates in it are those of its making.
Source: ECMA-119; El Torito 1.0; UEFI 2.10, 13.3.2.1.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pycdlib

from tools.partitions import MBR_ACTIVE, MBR_SYSTEM_PARTITION, SECTOR, master_record

CD_SECTOR = 2048
BIOS_LOAD_SECTORS = 4
NO_EMULATION = "noemul"


@dataclass
class CdImage:
    """The finished bytes, and the CD sector where each file begins."""

    content: bytearray
    extents: dict[str, int] = field(default_factory=dict)

    def extent_of(self, path: str) -> int:
        return self.extents[path]

    def add_disk_start(self, boot_code: bytes, system_partition: str, length: int) -> None:
        """Makes the image a disk as well: boot code, and the file `system_partition` as EFI system partition."""
        first = self.extent_of(system_partition) * CD_SECTOR // SECTOR
        record = master_record(boot_code, MBR_SYSTEM_PARTITION, MBR_ACTIVE, first, length // SECTOR)
        self.content[: len(record)] = record


def make_cd(files: Mapping[str, bytes], label: str, bios_boot: str, uefi_boot: str) -> CdImage:
    """Builds the image. `files` maps paths like "boot/limine/limine.conf"; the two boot files are among them."""
    disc: Any = pycdlib.PyCdlib()
    disc.new(interchange_level=3, vol_ident=label, rock_ridge="1.09", joliet=3)
    names = _make_folders(disc, files)
    for path, content in files.items():
        leaf = path.rpartition("/")[2]
        disc.add_fp(io.BytesIO(content), len(content), f"{names[path]};1", rr_name=leaf, joliet_path=f"/{path}")
    boot_info = bios_boot.endswith("limine-bios-cd.bin")
    disc.add_eltorito(
        f"{names[bios_boot]};1",
        bootcatfile="/BOOT.CAT;1",
        rr_bootcatname="boot.cat",
        joliet_bootcatfile="/boot.cat",
        boot_load_size=BIOS_LOAD_SECTORS,
        boot_info_table=boot_info,
        media_name=NO_EMULATION,
    )
    uefi_sectors = min(-(-len(files[uefi_boot]) // SECTOR), 0xFFFF)
    disc.add_eltorito(f"{names[uefi_boot]};1", boot_load_size=uefi_sectors, efi=True, media_name=NO_EMULATION)
    disc.force_consistency()
    extents = {path: disc.get_record(iso_path=f"{names[path]};1").extent_location() for path in files}
    written = io.BytesIO()
    disc.write_fp(written)
    disc.close()
    length = len(written.getvalue())
    return CdImage(bytearray(written.getvalue().ljust(length + -length % (1 << 20), b"\0")), extents)


def _make_folders(disc: Any, files: Mapping[str, bytes]) -> dict[str, str]:
    """Creates every folder. Returns the ISO 9660 name of each path, of folders too."""
    names: dict[str, str] = {"": ""}
    for path in files:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder not in names:
                parent = "/".join(parts[: depth - 1])
                names[folder] = f"{names[parent]}/{_plain(parts[depth - 1], len(names))}"
                disc.add_directory(names[folder], rr_name=parts[depth - 1], joliet_path=f"/{folder}")
        parent = "/".join(parts[:-1])
        names[path] = f"{names[parent]}/{_plain(parts[-1], len(names))}"
    return names


def _plain(name: str, number: int) -> str:
    """A name of the oldest form: eight and three characters; numbered where it had to be cut."""
    stem, _, extension = name.upper().partition(".")
    stem = "".join(c if c.isalnum() else "_" for c in stem)
    extension = "".join(c if c.isalnum() else "_" for c in extension)
    if len(stem) > 8 or len(extension) > 3:
        stem = f"{stem[:5]}{number:03}"
    return f"{stem}.{extension[:3]}" if extension else stem
