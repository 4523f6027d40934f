"""The same program under CPython and on Ringneck prints the same."""

import subprocess
import sys

import pytest

from tests.conftest import StartGuest
from tools.build import user_programs
from tools.paths import ROOT
from tools.qemu import Machine

DEADLINE_SECONDS = 60


@pytest.mark.parametrize("name", user_programs())
@pytest.mark.usefixtures("boot_files")
async def test_prints_what_cpython_prints(start_guest: StartGuest, name: str) -> None:
    source = ROOT / "userspace" / "programs" / f"{name}.py"
    expected = subprocess.run([sys.executable, str(source)], capture_output=True, text=True, check=True)
    async with start_guest(Machine(cpus=2, memory_mib=256, command_line=f"program={name}")) as guest:
        await guest.expect(f"exit: {name} status=0", DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    lines = guest.console.lines
    begin = next(i for i, line in enumerate(lines) if line.startswith("boot: ok")) + 1
    end = next(i for i, line in enumerate(lines) if line.startswith("exit: "))
    assert lines[begin:end] == expected.stdout.splitlines()
