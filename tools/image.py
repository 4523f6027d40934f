"""Makes the bootable images: build/ringneck.iso for CDs and sticks, build/ringneck.img for sticks and disks.

    python -m tools.image iso       with Limine where it is installed or LIMINE_DIR names it, else with our own loader
    python -m tools.image usb       our own loader, GUID partition table, EFI system partition

ARGS in the environment is the kernel command line; LOADER=own or LOADER=limine chooses. The same inputs give the
same disk image, and the same CD image but for its dates.
Not here: the formats (iso.py, fat.py, partitions.py), Limine's files (limine.py).
"""

import io
import os
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from boot.bios.facts import MASTER_BASE, STAGE_BASE
from boot.uefi.facts import APPLICATION_PATH, ARCHIVE_PATH
from tools.bios_blob import make_blob, master_code
from tools.build import BuildFailed, Program, build_all, build_program
from tools.fat import make_volume
from tools.iso import CD_SECTOR, make_cd
from tools.limine import Limine, MissingLimine, find_limine
from tools.partitions import BIOS_BOOT_PARTITION, SECTOR, SYSTEM_PARTITION, Partition, disk_image, first_sectors
from tools.paths import BOOT_ARCHIVE, BUILD, ISO_IMAGE, ROOT, USB_IMAGE

LABEL = "RINGNECK"
BLOB, SYSTEM_VOLUME = "boot/bios.bin", "boot/efi.img"
COMMAND_LINE_MEMBER = "cmdline"
BIOS_LOADER = Program("boot.bios.main", "loader", BUILD / "bios.elf")
UEFI_LOADER = Program("boot.uefi.main", "uefi", BUILD / "uefi.elf")
STAGE, MASTER_RECORD = BUILD / "bios-stage.bin", BUILD / "bios-master.bin"


@dataclass(frozen=True)
class Parts:
    """Everything of our own that goes into an image."""

    archive: bytes
    bios_loader: bytes
    stage: bytes
    master_record: bytes
    uefi_application: bytes

    def system_volume(self, hidden_sectors: int = 0) -> bytes:
        files = {_volume_path(APPLICATION_PATH): self.uefi_application, _volume_path(ARCHIVE_PATH): self.archive}
        return make_volume(files, LABEL, hidden_sectors)

    def blob(self, first_unit: int) -> bytes:
        return make_blob(self.stage, self.bios_loader, self.archive, first_unit)


def build_parts(command_line: str = "") -> Parts:
    """Builds what is out of date. Errors: BuildFailed, OSError."""
    # Imported here because LLVM takes long to load.
    from compiler.errors import CompilationFailed
    from compiler.pe import wrap
    from compiler.raw import build_raw

    build_all()
    for program in (BIOS_LOADER, UEFI_LOADER):
        build_program(program, "release")
    try:
        build_raw("boot.bios.stage", STAGE_BASE, STAGE, ROOT)
        build_raw("boot.bios.master_record", MASTER_BASE, MASTER_RECORD, ROOT)
    except CompilationFailed as error:
        raise BuildFailed(str(error)) from error
    return Parts(
        archive=add_command_line(BOOT_ARCHIVE.read_bytes(), command_line),
        bios_loader=BIOS_LOADER.output.read_bytes(),
        stage=STAGE.read_bytes(),
        master_record=MASTER_RECORD.read_bytes(),
        uefi_application=wrap(UEFI_LOADER.output.read_bytes()),
    )


def make_iso(parts: Parts) -> bytes:
    """An image for CD and stick, BIOS and UEFI, with our own loader."""
    volume = parts.system_volume()
    files = {BLOB: parts.blob(0), SYSTEM_VOLUME: volume}
    image = make_cd(files, LABEL, BLOB, SYSTEM_VOLUME)
    start = image.extent_of(BLOB) * CD_SECTOR
    blob = parts.blob(start // SECTOR)
    image.content[start : start + len(blob)] = blob
    image.add_disk_start(master_code(parts.master_record, start // SECTOR), SYSTEM_VOLUME, len(volume))
    return bytes(image.content)


def make_disk(parts: Parts) -> bytes:
    """An image for a stick or disk, BIOS and UEFI, with our own loader."""
    sizes = (Partition(BIOS_BOOT_PARTITION, "bios", parts.blob(0)), Partition(SYSTEM_PARTITION, "efi", b""))
    blob_unit, volume_unit = first_sectors(sizes)
    partitions = (
        Partition(BIOS_BOOT_PARTITION, "bios", parts.blob(blob_unit)),
        Partition(SYSTEM_PARTITION, "efi", parts.system_volume(volume_unit)),
    )
    return disk_image(partitions, master_code(parts.master_record, blob_unit))


def write_iso(settings: Mapping[str, str], output: Path = ISO_IMAGE) -> str:
    """Writes the CD image with the loader that the settings choose. Returns what there is to say about it.

    Errors: MissingLimine, BuildFailed, OSError.
    """
    limine = _chosen_limine(settings)
    if limine is None:
        output.write_bytes(make_iso(build_parts(settings.get("ARGS", ""))))
        return "with Ringneck's own loader"
    build_all()
    return limine.write_iso(output, BOOT_ARCHIVE, settings.get("ARGS", ""))


def add_command_line(archive: bytes, command_line: str) -> bytes:
    """The archive with one more member, which the loaders take as the kernel's command line."""
    if not command_line:
        return archive
    content = command_line.encode()
    header = tarfile.TarInfo(COMMAND_LINE_MEMBER)
    header.size = len(content)
    packed = io.BytesIO(archive)
    with tarfile.open(fileobj=packed, mode="a", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(header, io.BytesIO(content))
    return packed.getvalue()


def _chosen_limine(settings: Mapping[str, str]) -> Limine | None:
    wanted = settings.get("LOADER", "")
    if wanted not in ("", "own", "limine"):
        raise MissingLimine(f"LOADER={wanted} is no loader: use LOADER=own or LOADER=limine")
    if wanted == "own":
        return None
    limine = find_limine(settings.get("LIMINE_DIR", ""))
    if wanted == "limine" and limine is None:
        raise MissingLimine("there is no Limine: install `limine` or set LIMINE_DIR to a copy of its binary release")
    return limine


def _volume_path(path: bytes) -> str:
    return bytes(path).decode().replace("\\", "/").lstrip("/")


def main(words: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if words is None else words)
    if arguments not in (["iso"], ["usb"]):
        print("usage: python -m tools.image iso|usb", file=sys.stderr)
        return 2
    try:
        if arguments == ["usb"]:
            USB_IMAGE.write_bytes(make_disk(build_parts(os.environ.get("ARGS", ""))))
            print(f"{USB_IMAGE.relative_to(ROOT)}: with Ringneck's own loader")
        else:
            print(f"{ISO_IMAGE.relative_to(ROOT)}: {write_iso(os.environ)}")
    except (MissingLimine, BuildFailed, OSError) as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
