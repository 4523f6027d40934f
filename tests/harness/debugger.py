"""A small client of gdb's remote protocol, for tests that stop a guest's CPUs, step them and write to its memory.

Owns: the form of the packets (gdb manual, "Remote Protocol"). All CPUs stop when one does; which of them go on is said
each time. Addresses are those of the CPU that was chosen last by a step or by a stop.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness.failures import GuestEnded, GuestHang
from tests.harness.machine import Guest

ANSWER_SECONDS = 60
WORD_BYTES = 8
# The first registers in QEMU's order: rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8 to r15, rip.
RIP = 16
# In Qqemu.sstep: what a step holds back besides stepping.
STEP = 1
WITHOUT_INTERRUPTS = 2
WITHOUT_TIMERS = 4


class Debugger:
    """A connection to a guest that stands still."""

    def __init__(self, guest: Guest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._guest = guest
        self._reader = reader
        self._writer = writer

    async def begin(self) -> None:
        """Takes what QEMU may say on its own about the stop; then answers follow questions."""
        self._send("qC")
        while not (await self._receive()).startswith("QC"):
            pass

    async def step(self, cpu: int, holds_back: int = WITHOUT_INTERRUPTS | WITHOUT_TIMERS) -> None:
        """One CPU runs one instruction, or enters an interrupt that is not held back."""
        await self._command(f"Qqemu.sstep={STEP | holds_back:x}")
        await self._run(f"s:{_thread(cpu)}")

    async def run_to(self, address: int, cpu: int, is_alone: bool = False) -> None:
        """A CPU runs until it comes to the instruction there, also if it is about to execute it now; the others run,
        too, unless it is alone. No other CPU may come there."""
        if await self.place(cpu) == address:
            await self.step(cpu)
        await self._command(f"Z0,{address:x},1")
        stopped = await self._run(f"c:{_thread(cpu)}" if is_alone else "c")
        assert stopped == cpu, f"CPU {stopped} came to {address:#x}, not CPU {cpu}"
        await self._command(f"z0,{address:x},1")

    async def registers(self, cpu: int) -> str:
        """All that there are, in hexadecimal digits."""
        await self._command(f"Hg{_thread(cpu)}")
        return await self._ask("g")

    async def place(self, cpu: int) -> int:
        """The address of the CPU's next instruction."""
        digits = 2 * WORD_BYTES
        return _number((await self.registers(cpu))[RIP * digits : (RIP + 1) * digits])

    async def write_word(self, address: int, value: int) -> None:
        await self._command(f"M{address:x},{WORD_BYTES:x}:{value.to_bytes(WORD_BYTES, 'little').hex()}")

    async def detach(self) -> None:
        """Lets the guest run on its own."""
        await self._command("D")

    async def _run(self, action: str) -> int:
        told = await self._ask(f"vCont;{action}")
        stop = re.match(r"T05thread:([0-9a-f]+);", told)
        assert stop is not None, f"the guest stopped for another reason: {told}"
        return int(stop[1], 16) - 1

    async def _command(self, packet: str) -> None:
        told = await self._ask(packet)
        assert told == "OK", f"the answer to {packet} is {told or 'that it is not known'}"

    async def _ask(self, packet: str) -> str:
        self._send(packet)
        return await self._receive()

    def _send(self, packet: str) -> None:
        self._writer.write(f"${packet}#{_checksum(packet):02x}".encode())

    async def _receive(self) -> str:
        """The next packet. Errors: GuestEnded, GuestHang, or what the guest itself told meanwhile."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                text = (await self._reader.readuntil(b"#")).decode()
                digits = await self._reader.readexactly(2)
        except TimeoutError:
            raise GuestHang(f"no CPU stopped within {ANSWER_SECONDS} s", self._guest.console.lines) from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise GuestEnded("QEMU ended while it was debugged", self._guest.console.lines) from None
        packet = text[text.index("$") + 1 : -1]
        assert int(digits, 16) == _checksum(packet), f"QEMU garbled a packet: {packet}"
        self._writer.write(b"+")
        return packet


@asynccontextmanager
async def attach_debugger(guest: Guest) -> AsyncIterator[Debugger]:
    """Stops the guest; inside the `async with` block it runs as the debugger lets it."""
    with tempfile.TemporaryDirectory(prefix="ringneck-") as folder:
        socket = Path(folder) / "gdb"
        words = {"command-line": f"gdbserver unix:{socket},server=on,wait=off"}
        await guest.monitor.execute("human-monitor-command", **words)
        reader, writer = await asyncio.open_unix_connection(socket)
        try:
            debugger = Debugger(guest, reader, writer)
            await debugger.begin()
            yield debugger
            await debugger.detach()
        finally:
            writer.close()


def _thread(cpu: int) -> str:
    """QEMU's threads are CPUs, counted from 1."""
    return f"{cpu + 1:x}"


def _number(digits: str) -> int:
    return int.from_bytes(bytes.fromhex(digits), "little")


def _checksum(packet: str) -> int:
    return sum(packet.encode()) % 256
