"""Reads a guest's serial line as it comes, and waits for lines with a deadline.

Owns: the lines, and the first failure of the guest. Every wait ends with the line that was waited
for, with that failure, or with GuestHang at its deadline: never later, never silently.
"""

import asyncio
import re
from pathlib import Path

from tests.harness.failures import GuestEnded, GuestFailure, GuestHang, GuestPanic, GuestReset

# How the kernel and the loader begin and end their last words.
LAST_WORDS = {"panic: ": "panic: end", "loader: error: ": "loader: stopped"}


class Console:
    """The serial line of one guest, for one waiting task at a time."""

    def __init__(self, log: Path) -> None:
        self.lines: list[str] = []
        self.failure: GuestFailure | None = None
        self.exit_status: int | None = None
        self._log = log.open("wb")
        self._partial = b""
        self._next = 0
        self._panic: str | None = None
        self._changed = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """Takes bytes as they arrive."""
        self._log.write(data)
        self._log.flush()
        *complete, self._partial = (self._partial + data).split(b"\n")
        for line in complete:
            self._take(line.decode("utf-8", "replace").rstrip("\r"))
        self._changed.set()

    def end(self, exit_status: int, reset: str | None = None) -> None:
        """Notes that the guest is gone and that no more bytes come; `reset` tells why if it reset its machine."""
        if self._partial:
            self._take(self._partial.decode("utf-8", "replace"))
            self._partial = b""
        self._log.close()
        self.exit_status = exit_status
        if self._panic is not None:
            self._fail(GuestPanic, self._panic)
        elif reset is not None:
            self._fail(GuestReset, reset)
        self._changed.set()

    async def expect(self, wanted: str | re.Pattern[str], seconds: float) -> re.Match[str]:
        """Waits for a line that is `wanted`, or in which the pattern is found. Errors: any GuestFailure.

        The search goes on after the line that the call before found."""
        find = re.compile(re.escape(wanted) + r"\Z").match if isinstance(wanted, str) else wanted.search
        told = wanted if isinstance(wanted, str) else wanted.pattern
        try:
            async with asyncio.timeout(seconds):
                while True:
                    while self._next < len(self.lines):
                        self._next += 1
                        found = find(self.lines[self._next - 1])
                        if found:
                            return found
                    if self.failure is not None:
                        raise self.failure
                    if self.exit_status is not None:
                        reason = f"QEMU ended with status {self.exit_status} before this line came: {told}"
                        raise GuestEnded(reason, self.lines)
                    await self._change()
        except TimeoutError:
            raise self._late(f"no line came within {seconds} s that is or holds: {told}") from None

    async def expect_prompt(self, prompt: str, seconds: float) -> None:
        """Waits until what has come of the current line is the prompt. Errors: any GuestFailure."""
        try:
            async with asyncio.timeout(seconds):
                while self._partial != prompt.encode():
                    if self.failure is not None:
                        raise self.failure
                    if self.exit_status is not None:
                        reason = f"QEMU ended with status {self.exit_status} before this prompt came: {prompt}"
                        raise GuestEnded(reason, self.lines)
                    await self._change()
        except TimeoutError:
            raise self._late(f"no prompt came within {seconds} s: {prompt}") from None

    async def wait_end(self, seconds: float) -> int:
        """Waits until QEMU has ended. Returns its exit status. Errors: any GuestFailure."""
        try:
            async with asyncio.timeout(seconds):
                while self.failure is None and self.exit_status is None:
                    await self._change()
        except TimeoutError:
            raise self._late(f"QEMU did not end within {seconds} s") from None
        if self.failure is not None:
            raise self.failure
        assert self.exit_status is not None
        return self.exit_status

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _take(self, line: str) -> None:
        self.lines.append(line)
        for begin, end in LAST_WORDS.items():
            if line == end:
                self._fail(GuestPanic, self._panic or line)
            elif line.startswith(begin) and self._panic is None:
                self._panic = line

    def _fail(self, kind: type[GuestFailure], reason: str) -> None:
        """Notes the failure; the first one counts."""
        if self.failure is None:
            self.failure = kind(reason, self.lines)

    def _late(self, reason: str) -> GuestFailure:
        if self._panic is not None:
            return GuestPanic(f"{self._panic} (a report without its end)", self.lines)
        return GuestHang(reason, self.lines)
