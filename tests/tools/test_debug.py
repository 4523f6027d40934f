"""`make debug` stops where the kernel begins, and gdb knows the source line."""

import shutil
import subprocess

import pytest

from tools.debug import debugger_command
from tools.qemu import Machine

SECONDS = 60


@pytest.mark.usefixtures("boot_files")
@pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not on PATH: install the package gdb")
def test_debugger_stops_at_the_kernels_first_line() -> None:
    words = ["-batch", "-nx", "-ex", "info symbol $pc", "-ex", "info line *$pc", "-ex", "kill"]
    done = subprocess.run(
        debugger_command(Machine(), words), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS
    )
    assert "_start + " in done.stdout or "_start in section" in done.stdout, done.stdout + done.stderr
    assert 'of "kernel/main.py"' in done.stdout
