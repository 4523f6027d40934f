"""Starts one guest, follows it, and always takes its QEMU away again.

Order of a start: the sockets exist, QEMU starts paused and connects to them, then the guest runs; so no byte and no
event is lost. Each guest has its own folder for sockets, hence any number can run side by side.
"""

import asyncio
import contextlib
import ctypes
import re
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from qemu.qmp import QMPError

from tests.harness.artifacts import GuestLogs
from tests.harness.console import Console
from tests.harness.failures import GuestEnded, GuestFailure
from tests.harness.qmp import Monitor
from tools.qemu import EXIT_SUCCESS, Machine

START_SECONDS = 20
CHUNK_BYTES = 65536
PR_SET_PDEATHSIG = 1


class Guest:
    """A running guest."""

    def __init__(self, machine: Machine, logs: GuestLogs) -> None:
        self.machine = machine
        self.logs = logs
        self.console = Console(logs.serial)
        self.monitor = Monitor(logs)
        self.process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._serial_done = asyncio.Event()

    async def expect(self, wanted: str | re.Pattern[str], seconds: float) -> re.Match[str]:
        """Waits for a line. Errors: any GuestFailure."""
        return await self.console.expect(wanted, seconds)

    async def expect_prompt(self, prompt: str, seconds: float) -> None:
        """Waits for the beginning of a line that stands alone. Errors: any GuestFailure."""
        await self.console.expect_prompt(prompt, seconds)

    def send(self, keys: str) -> None:
        """Types on the guest's serial line."""
        assert self._writer is not None, "the guest has not been started"
        self._writer.write(keys.encode())

    async def expect_success(self, seconds: float) -> None:
        """Waits until the guest has reported success through isa-debug-exit. Errors: any GuestFailure."""
        status = await self.console.wait_end(seconds)
        if status != EXIT_SUCCESS:
            reason = f"QEMU ended with status {status}; a guest that succeeds ends it with {EXIT_SUCCESS}"
            raise GuestEnded(reason, self.console.lines)

    async def take_screenshot(self) -> Path:
        """Writes what the display shows to a PPM file among the logs. Needs a machine with video."""
        await self.monitor.execute("screendump", filename=str(self.logs.screen))
        return self.logs.screen

    async def start(self, folder: Path) -> None:
        """Starts QEMU and lets the guest run. Errors: GuestEnded when QEMU refuses its command line."""
        serial, monitor = folder / "serial", folder / "qmp"
        server = await asyncio.start_unix_server(self._read_serial, serial)
        await self.monitor.listen(monitor)
        command = self.machine.command(f"socket,path={serial}", str(monitor), paused=True)
        self.logs.write_command(command)
        with self.logs.qemu.open("wb") as output:
            self.process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=_die_with_parent
            )
        await self._connect()
        server.close()
        await self.monitor.execute("cont")

    async def follow(self) -> None:
        """Runs beside the test: waits for QEMU's end, takes what is left of its output, and notes the end."""
        assert self.process is not None
        status = await self.process.wait()
        await self._serial_done.wait()
        self.console.end(status, await self.monitor.close())

    async def stop(self) -> None:
        """Ends QEMU if it still runs; afterwards nothing of it is left."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    async def _connect(self) -> None:
        """Waits for both connections, or for a QEMU that ends instead."""
        assert self.process is not None
        ready = asyncio.create_task(self._accept())
        ended: asyncio.Task[object] = asyncio.create_task(self.process.wait())
        await asyncio.wait({ready, ended}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not ready.done():
            ready.cancel()
            await asyncio.gather(ready, return_exceptions=True)
            await self.monitor.close()
            text = self.logs.qemu.read_text(errors="replace").strip()
            raise GuestEnded(f"QEMU did not start: {text or 'it did not connect'}", [])
        await ready

    async def _accept(self) -> object:
        await self.monitor.accept()
        return await self._connected.wait()

    async def _read_serial(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._connected.set()
        try:
            while data := await reader.read(CHUNK_BYTES):
                self.console.feed(data)
        except ConnectionError:
            pass
        finally:
            writer.close()
            self._serial_done.set()


@asynccontextmanager
async def run_guest(machine: Machine, logs: GuestLogs) -> AsyncIterator[Guest]:
    """A guest that runs inside the `async with` block and is gone after it. Errors: any GuestFailure."""
    with tempfile.TemporaryDirectory(prefix="ringneck-") as folder:
        guest = Guest(machine, logs)
        follower = None
        try:
            await guest.start(Path(folder))
            follower = asyncio.create_task(guest.follow())
            yield guest
        except GuestFailure:
            if machine.video:
                # The screen of a guest that QEMU has taken down already cannot be had.
                with contextlib.suppress(QMPError, OSError, EOFError):
                    await guest.take_screenshot()
            raise
        finally:
            await guest.stop()
            if follower is not None:
                await follower


def _die_with_parent() -> None:
    """Runs in the child before QEMU: makes Linux kill it when the test process dies, however that dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
