"""The images that the tests of the doors boot, each made once."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.paths import BUILD, ROOT
from tools.qemu import EXIT_OPTION

IMAGES = BUILD / "test-images"
# In a process of its own, because LLVM ends the process on an error in assembler text.
MAKE_OWN = """
import sys
from pathlib import Path
from tools.image import build_parts, make_disk, make_iso
parts = build_parts(sys.argv[2])
Path(sys.argv[1], "own.iso").write_bytes(make_iso(parts))
Path(sys.argv[1], "own.img").write_bytes(make_disk(parts))
"""


@pytest.fixture(scope="session")
def own_images() -> tuple[Path, Path]:
    """CD and disk image with our own loader, and a command line that ends QEMU."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", MAKE_OWN, str(IMAGES), EXIT_OPTION]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if made.returncode != 0:
        pytest.fail(f"the images could not be made:\n{made.stdout}{made.stderr}", pytrace=False)
    return IMAGES / "own.iso", IMAGES / "own.img"
