"""The same program under CPython and on Ringneck prints the same."""

import sys
from pathlib import Path

import pytest

from tests.conftest import StartGuest
from tests.harness.machine import Guest
from tools.build import user_programs
from tools.children import run_child
from tools.guest_test import build_archive
from tools.paths import ROOT
from tools.qemu import Machine

DEADLINE_SECONDS = 60
PROGRAMS = Path(__file__).parent / "programs"


def expected_lines(source: Path) -> list[str]:
    return run_child([sys.executable, source], seconds=DEADLINE_SECONDS, check=True).stdout.splitlines()


def portable_programs() -> list[str]:
    """The programs of the image that CPython can run, too."""
    folder = ROOT / "userspace" / "programs"
    return [name for name in user_programs() if "from userspace" not in (folder / f"{name}.py").read_text()]


async def printed_lines(guest: Guest, name: str) -> list[str]:
    """What the first program printed between the boot and its end."""
    await guest.expect(f"exit: {name} status=0", DEADLINE_SECONDS)
    await guest.expect_success(DEADLINE_SECONDS)
    lines = guest.console.lines
    begin = next(i for i, line in enumerate(lines) if line.startswith("boot: ok")) + 1
    end = next(i for i, line in enumerate(lines) if line.startswith("exit: "))
    return list(lines[begin:end])


@pytest.mark.parametrize("name", portable_programs())
@pytest.mark.usefixtures("boot_files")
async def test_programs_of_the_image(start_guest: StartGuest, name: str) -> None:
    source = ROOT / "userspace" / "programs" / f"{name}.py"
    async with start_guest(Machine(cpus=2, memory_mib=256, command_line=f"program={name}")) as guest:
        assert await printed_lines(guest, name) == expected_lines(source)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in PROGRAMS.glob("[a-z]*.py")))
async def test_asyncio_programs(start_guest: StartGuest, name: str) -> None:
    archive = build_archive(f"tests.guest.programs.{name}", name)
    memory_mib = 64 if name == "many_members" else 256
    async with start_guest(Machine(cpus=2, memory_mib=memory_mib, archive=archive)) as guest:
        assert await printed_lines(guest, "init") == expected_lines(PROGRAMS / f"{name}.py")
