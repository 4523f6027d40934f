"""The logs that every test leaves behind, below build/test-logs/<test>/, whether it passes or fails.

Owns: their names. A test that starts a second guest gets a folder `2` below the first, and so on.
"""

import logging
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from tools.paths import TEST_LOGS

LONGEST_NAME = 120


class GuestLogs:
    """The files of one guest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.serial = folder / "serial.log"
        self.qmp = folder / "qmp.log"
        self.qemu = folder / "qemu.log"
        self.command = folder / "command.txt"
        self.screen = folder / "screen.ppm"
        folder.mkdir(parents=True, exist_ok=True)

    def write_command(self, command: Sequence[str]) -> None:
        self.command.write_text(shlex.join(command) + "\n")

    def qmp_handler(self) -> logging.Handler:
        """A logging handler that keeps the messages of one QMP connection; the caller closes it."""
        handler = logging.FileHandler(self.qmp)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handler.addFilter(lambda record: record.getMessage().startswith(("-->", "<--")))
        return handler


class TestLogs:
    """The folder of one test, emptied when the test begins."""

    __test__ = False

    def __init__(self, test_id: str, root: Path = TEST_LOGS) -> None:
        self.folder = root / re.sub(r"[^\w.-]+", "-", test_id).strip("-")[-LONGEST_NAME:]
        self._guests = 0
        shutil.rmtree(self.folder, ignore_errors=True)

    def next_guest(self) -> GuestLogs:
        self._guests += 1
        return GuestLogs(self.folder if self._guests == 1 else self.folder / str(self._guests))
