"""Fixtures of the guest tests."""

from pathlib import Path

import pytest

from tools.build import Program, build_program, only_one_builder, write_archive
from tools.paths import BUILD, INIT

FOLDER = BUILD / "selftest"


@pytest.fixture(scope="session")
def selftest_archive(boot_files: None) -> Path:
    """A boot archive whose kernel has its own tests in it; the command line chooses one: selftest=NAME."""
    FOLDER.mkdir(exist_ok=True)
    kernel = FOLDER / "kernel.elf"
    archive = FOLDER / "boot.tar"
    with only_one_builder():
        build_program(Program("kernel.main", "kernel", kernel, ("SELFTEST=1",)), "debug")
        write_archive(archive, (kernel, INIT))
    return archive
