"""The images and archives that the tests of the doors boot, each made once."""

import sys
from pathlib import Path

import pytest

from tests.boot.images import CD, DISK, LIMINE_CD
from tools.build import BuildFailed, Program, build_program, write_archive
from tools.children import run_child
from tools.paths import BUILD, ROOT
from tools.qemu import EXIT_OPTION

IMAGES = BUILD / "test-images"
HANDOFF = IMAGES / "handoff"
HANDOFF_COMMAND_LINE = "a=1 b=2"
HANDOFF_MODULE_BYTES = 10000


def make_images(folder: Path, *words: str) -> Path:
    made = run_child([sys.executable, "-m", "tests.boot.images", str(folder), *words], cwd=ROOT)
    if made.returncode != 0:
        pytest.fail(f"the images could not be made:\n{made.stdout}{made.stderr}", pytrace=False)
    return folder


def build_guest(entry: str, target: str, name: str) -> Path:
    """Compiles a program of the tests."""
    HANDOFF.mkdir(parents=True, exist_ok=True)
    try:
        build_program(Program(entry, target, HANDOFF / name), "release")
    except BuildFailed as error:
        pytest.fail(str(error), pytrace=False)
    return HANDOFF / name


@pytest.fixture(scope="session")
def images() -> Path:
    """The folder of images with our own loader, Limine where there is one, and a command line that ends QEMU."""
    return make_images(IMAGES, EXIT_OPTION)


@pytest.fixture(scope="session")
def handoff_archive() -> Path:
    """A boot archive with the kernel that checks its loader, and the module that it expects."""
    module, archive = HANDOFF / "module.bin", HANDOFF / "boot.tar"
    kernel = build_guest("tests.boot.handoff_kernel.main", "kernel", "kernel.elf")
    module.write_bytes(bytes(n & 0xFF for n in range(HANDOFF_MODULE_BYTES)))
    write_archive(archive, (kernel, module))
    return archive


@pytest.fixture(scope="session")
def handoff_images(handoff_archive: Path) -> Path:
    """The folder of images that boot that kernel."""
    return make_images(HANDOFF, f"{EXIT_OPTION} {HANDOFF_COMMAND_LINE}", str(handoff_archive))


def limine_image(folder: Path) -> Path:
    """The image with Limine in a folder of images; skips the test where there is none."""
    if not (folder / LIMINE_CD).exists():
        pytest.skip("there is no Limine: install `limine`, or set LIMINE_DIR to a copy of its binary release")
    return folder / LIMINE_CD


__all__ = ["CD", "DISK", "HANDOFF_COMMAND_LINE", "build_guest", "limine_image", "make_images"]
