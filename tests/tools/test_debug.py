"""`make debug` stops where the kernel begins and where it panicked; gdb knows source lines and kernel objects."""

import re
import shutil
from pathlib import Path

import pytest

from tools.children import run_child
from tools.debug import PANIC_OPTION, debugger_command
from tools.paths import KERNEL
from tools.qemu import Machine

SECONDS = 60

pytestmark = pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not on PATH: install the package gdb")


def debug(machine: Machine, *commands: str, kernel: Path = KERNEL) -> str:
    """What gdb says when it is given these commands at the kernel's first line."""
    words = ["-batch", "-nx", *(word for command in commands for word in ("-ex", command)), "-ex", "kill"]
    command = debugger_command(machine, words, kernel)
    done = run_child(command, seconds=SECONDS)
    return done.stdout + done.stderr


@pytest.mark.usefixtures("boot_files")
def test_debugger_stops_at_the_kernels_first_line() -> None:
    told = debug(Machine(), "info symbol $pc", "info line *$pc")
    assert "_start + " in told or "_start in section" in told, told
    assert 'of "kernel/main.py"' in told


@pytest.mark.usefixtures("boot_files")
def test_debugger_shows_kernel_objects() -> None:
    told = debug(
        Machine(cpus=1),
        "break kernel.boot.start_info.give_start_info", "continue", "print *process", "print *account",
        "print 'kernel.core.configuration.given'.first_program",
    )  # fmt: skip
    assert '$1 = process "init", ' in told, told
    assert re.search(r"header = account, \d+ references, account 0x0", told), told
    assert '$3 = "init"' in told, told


def test_debugger_stops_behind_the_report_of_a_panic(selftest_archive: Path) -> None:
    machine = Machine(cpus=2, archive=selftest_archive, command_line=f"selftest=panic-assert {PANIC_OPTION}")
    told = debug(machine, "continue", "backtrace", kernel=selftest_archive.parent / "kernel.elf")
    assert "Breakpoint 2, kernel.core.machine_end.wait_for_debugger" in told, told
    assert re.search(r"^#\d+ .*kernel\.selftest\.tests\.fail_assertion .*kernel/selftest/tests\.py", told, re.M), told
