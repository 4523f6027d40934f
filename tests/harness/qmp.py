"""QEMU's monitor: commands to it, and its word on why a guest ended.

QEMU connects to us, so the connection is there before the guest runs its first instruction.
"""

import asyncio
import contextlib
import itertools
import logging
from pathlib import Path

from qemu.qmp import EventListener, QMPClient, QMPError

from tests.harness.artifacts import GuestLogs

ANSWER_SECONDS = 20
RESET_DATA = {"guest": True, "reason": "guest-reset"}

_numbers = itertools.count(1)


class Monitor:
    """The QMP connection of one guest."""

    def __init__(self, logs: GuestLogs) -> None:
        name = f"guest-{next(_numbers)}"
        self._client = QMPClient(name)
        self._listener = EventListener()
        self._client.register_listener(self._listener)
        self._logger = self._client.logger
        self._handler = logs.qmp_handler()
        self._logger.addHandler(self._handler)
        self._logger.setLevel(logging.DEBUG)
        self._logger.propagate = False

    async def listen(self, socket: Path) -> None:
        await self._client.start_server(str(socket))

    async def accept(self) -> None:
        await self._client.accept()

    async def execute(self, command: str, **arguments: object) -> object:
        """Runs one QMP command. Errors: qemu.qmp.ExecuteError when QEMU refuses it, TimeoutError."""
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._client.execute(command, arguments or None)

    async def close(self) -> str | None:
        """Takes the last events of a QEMU that has ended, then closes everything.

        Returns the reason when an event says that the guest reset its machine."""
        with contextlib.suppress(QMPError, EOFError, OSError):
            await self._client.disconnect()
        self._logger.removeHandler(self._handler)
        self._handler.close()
        # With -no-reboot a reset is a shutdown for that reason, and ends QEMU.
        resets = (event for event in self._listener.history if event.get("data") == RESET_DATA)
        return "the guest reset the machine (a triple fault does that)" if any(resets) else None
