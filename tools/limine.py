"""Images that boot through Limine, where a binary release of it is at hand. Nothing of Limine is in this tree.

Limine is what `limine --print-datadir` names, or the folder in LIMINE_DIR, which wins.
"""

import io
import re
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tools.children import run_child
from tools.iso import make_cd

PROGRAM = "limine"
BIOS_SYSTEM, BIOS_CD, UEFI_CD = "limine-bios.sys", "limine-bios-cd.bin", "limine-uefi-cd.bin"
FILES = (BIOS_SYSTEM, BIOS_CD, UEFI_CD)
FOLDER = "boot/limine"
LABEL = "RINGNECK"
VERSION = re.compile(rb"Limine (\d+)\.(\d+)\.\d+")
OLDEST_VERSION = (8, 7)                 # 8.2 answers base revision 2 at most


class MissingLimine(Exception):
    """Limine was asked for and is not usable; the text says what is missing and what to do."""


@dataclass(frozen=True)
class Limine:
    folder: Path
    program: str | None                 # installs the BIOS part into a disk image

    def write_iso(self, output: Path, archive: Path, command_line: str) -> str:
        """Writes the image. Returns what there is to say about it."""
        files = {f"{FOLDER}/{name}": (self.folder / name).read_bytes() for name in FILES}
        members = _members(archive)
        files |= {f"boot/{name}": content for name, content in members}
        files[f"{FOLDER}/limine.conf"] = configuration([name for name, _ in members], command_line).encode()
        image = make_cd(files, LABEL, f"{FOLDER}/{BIOS_CD}", f"{FOLDER}/{UEFI_CD}")
        image.add_disk_start(b"", f"{FOLDER}/{UEFI_CD}", len(files[f"{FOLDER}/{UEFI_CD}"]))
        output.write_bytes(image.content)
        if self.program is None:
            return f"with Limine from {self.folder}; it does not start from a stick under BIOS: `limine` is not on PATH"
        run_child([self.program, "bios-install", output], check=True)
        return f"with Limine from {self.folder}"


def find_limine(folder: str) -> Limine | None:
    """The Limine to use, None when there is none. Errors: MissingLimine when `folder` (LIMINE_DIR) is no use."""
    program = shutil.which(PROGRAM)
    if not folder:
        if program is None:
            return None
        asked = run_child([program, "--print-datadir"])
        folder = asked.stdout.strip()
    path = Path(folder)
    if not path.is_dir():
        raise MissingLimine(f"LIMINE_DIR={folder} is no folder: name a copy of Limine's binary release, or unset it")
    missing = [name for name in FILES if not (path / name).is_file()]
    if missing:
        raise MissingLimine(f"{folder} holds no {', '.join(missing)}: a binary release of Limine 8.7 or newer has them")
    version = VERSION.search((path / BIOS_SYSTEM).read_bytes())
    if version is not None and (int(version[1]), int(version[2])) < OLDEST_VERSION:
        found, oldest = (".".join(str(int(part)) for part in pair) for pair in (version.groups(), OLDEST_VERSION))
        raise MissingLimine(f"{folder} holds Limine {found}: {oldest} is the oldest known to serve the kernel")
    return Limine(path, program)


def configuration(members: list[str], command_line: str) -> str:
    """limine.conf for a kernel and its modules."""
    kernel, *modules = members
    lines = ["timeout: 0", "quiet: yes", "serial: no", "", "/Ringneck", "    protocol: limine"]
    lines += [f"    kernel_path: boot():/boot/{kernel}"]
    lines += [f"    kernel_cmdline: {command_line}"] if command_line else []
    lines += [f"    module_path: boot():/boot/{module}" for module in modules]
    lines += ["    resolution: 1024x768x32"]
    return "\n".join(lines) + "\n"


def _members(archive: Path) -> list[tuple[str, bytes]]:
    """Names and contents of the boot archive in order, the kernel first."""
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar.getmembers()]  # type: ignore[union-attr]
