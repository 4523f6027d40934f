"""Builds, then gives the terminal to gdb with the kernel's symbols and a guest that waits for its first instruction.

The variables are those of `make run`. A panic comes back to gdb behind its report, unless ARGS has a `panic=`.
The serial line goes to build/debug-serial.log (`tail -f` it elsewhere).
Words after the tool's name are given to gdb.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tools.build import BuildFailed
from tools.limine import MissingLimine
from tools.paths import DEBUG_SERIAL, KERNEL, ROOT
from tools.qemu import Machine, MissingQemu
from tools.run import BadSetting, machine_from, prepare

PRINTERS, SCRIPT = ROOT / "tools" / "debug_printers.py", ROOT / "tools" / "debug.gdb"
PANIC_OPTION = "panic=debug"


class MissingDebugger(Exception):
    """gdb is not on PATH; the text says what to install."""


def debugger_command(machine: Machine, words: Sequence[str] = (), kernel: Path = KERNEL) -> list[str]:
    """The command line of a gdb that starts the machine as its child, so that both end together.
    Errors: MissingDebugger, MissingQemu."""
    gdb = shutil.which("gdb")
    if gdb is None:
        raise MissingDebugger("gdb is not on PATH: install the package gdb")
    guest = shlex.join(machine.command(f"file,path={DEBUG_SERIAL}", debugger=True, paused=True))
    scripts = ["-x", str(PRINTERS), "-x", str(SCRIPT)]
    return [gdb, "-q", "-ex", f"target remote | exec {guest}", *scripts, *words, str(kernel)]


def main(words: Sequence[str]) -> int:
    try:
        machine = machine_from(os.environ)
        if "panic=" not in machine.command_line:
            machine = replace(machine, command_line=f"{PANIC_OPTION} {machine.command_line}".rstrip())
        command = debugger_command(machine, words)
        prepare(machine, os.environ)
        return subprocess.run(command).returncode
    except (BadSetting, BuildFailed, MissingQemu, MissingDebugger, MissingLimine) as error:
        print(f"debug: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
