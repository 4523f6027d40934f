"""Makes the images that the tests boot: `python -m tests.boot.images FOLDER COMMAND_LINE [ARCHIVE]`.

A program of its own, because LLVM ends the process on an error in assembler text. With an archive, that one takes the
place of the kernel and its modules. LIMINE_DIR and PATH decide whether there is an image with Limine.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

from tools.image import add_command_line, build_parts, make_disk, make_iso
from tools.limine import find_limine
from tools.paths import BOOT_ARCHIVE

CD, DISK, LIMINE_CD = "own.iso", "own.img", "limine.iso"


def main(folder: Path, command_line: str, archive: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    parts = replace(build_parts(), archive=add_command_line(archive.read_bytes(), command_line))
    (folder / CD).write_bytes(make_iso(parts))
    (folder / DISK).write_bytes(make_disk(parts))
    limine = find_limine(os.environ.get("LIMINE_DIR", ""))
    (folder / LIMINE_CD).unlink(missing_ok=True)
    if limine is not None:
        limine.write_iso(folder / LIMINE_CD, archive, command_line)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]) if len(sys.argv) > 3 else BOOT_ARCHIVE)
