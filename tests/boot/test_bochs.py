"""The BIOS door under Bochs: another BIOS, other processors, and x2APIC, which QEMU 7.2 does not emulate."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.boot.conftest import CD, IMAGES, make_images
from tests.boot.test_handoff import CHECKS
from tests.harness.artifacts import TestLogs
from tests.harness.console import Console
from tests.harness.protocol import END, check_report
from tools import bochs
from tools.bochs import BochsMachine
from tools.guest_test import build_guest_test
from tools.qemu import EXIT_OPTION

DEADLINE_SECONDS = 120
PROGRAM_SECONDS = 400
CHUNK_BYTES = 65536
CONTEXTS = "boot: translations of several address spaces are kept"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(bochs.missing_part()), reason=bochs.missing_part() or "Bochs is there"),
]


@asynccontextmanager
async def run_bochs(machine: BochsMachine, folder: Path, logs: TestLogs) -> AsyncIterator[Console]:
    """A guest whose serial line is a pipe, so that every line is seen when it is written."""
    console = Console(logs.next_guest().serial)
    pipe, configuration, script = folder / "serial", folder / "bochsrc", folder / "go-on"
    os.mkfifo(pipe)
    configuration.write_text(machine.configuration(pipe, folder / "bochs.log"))
    script.write_text("c\n")
    # Opened for writing as well, so that the pipe has no end before Bochs opens it.
    descriptor = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, lambda: console.feed(os.read(descriptor, CHUNK_BYTES)))
    process = await asyncio.create_subprocess_exec(
        *bochs.command(configuration, script),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **bochs.ENVIRONMENT},
    )
    try:
        yield console
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        loop.remove_reader(descriptor)
        os.close(descriptor)


# What each model has: who gives the time, whether time stamps have one rate, how it alarms and interrupts others.
CLOCKS = {
    "athlon64_clawhammer": ("event timer", "not invariant", "countdown", "xAPIC"),
    "corei5_lynnfield_750": ("time stamps", "invariant", "countdown", "xAPIC"),
    "corei7_icelake_u": ("time stamps", "invariant", "deadline", "x2APIC"),
}


@pytest.mark.parametrize(
    ("model", "cpus"),
    [
        ("athlon64_clawhammer", 1),
        ("corei7_icelake_u", 4),
        pytest.param("athlon64_clawhammer", 4, marks=pytest.mark.long),
        pytest.param("corei5_lynnfield_750", 1, marks=pytest.mark.long),
        pytest.param("corei5_lynnfield_750", 4, marks=pytest.mark.long),
        pytest.param("corei7_icelake_u", 1, marks=pytest.mark.long),
    ],
)
async def test_kernel_boots(images: Path, tmp_path: Path, test_logs: TestLogs, model: str, cpus: int) -> None:
    machine = BochsMachine(images / CD, cpus=cpus, cpu_model=model)
    async with run_bochs(machine, tmp_path, test_logs) as console:
        time, rate, alarm, mode = CLOCKS[model]
        line = rf"^boot: time by {time}; time stamps {rate}, \d+ MHz by the [a-z -]+; alarms by {alarm}; {mode}$"
        await console.expect(re.compile(line), DEADLINE_SECONDS)
        await console.expect(f"boot: ok cpus={cpus} memory=256MiB door=bios", DEADLINE_SECONDS)
        await console.expect(END, DEADLINE_SECONDS)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test_vectors", ""),
        ("test_entry", "kpti=off"),
        ("test_entry", "kpti=on"),
        ("test_translations", "kpti=off"),
        ("test_translations", "kpti=on"),
        pytest.param("test_translations", "kpti=off pcid=off", marks=pytest.mark.long),
        pytest.param("test_translations", "kpti=on pcid=off", marks=pytest.mark.long),
    ],
)
async def test_guest_programs(tmp_path: Path, test_logs: TestLogs, name: str, words: str) -> None:
    """What QEMU's processors lack: AVX-512, alignment checks, debug exceptions of every kind, process contexts.

    Bochs forgets the user's translations whenever CR3 is loaded: that a kept one is old cannot be seen here, and is for
    the models of tests/host.
    """
    place = IMAGES / f"{name}-{words.replace(' ', '-')}"
    folder = make_images(place, f"{EXIT_OPTION} {words}", str(build_guest_test(name)))
    machine = BochsMachine(folder / CD, cpus=2, cpu_model="corei7_icelake_u")
    async with run_bochs(machine, tmp_path, test_logs) as console:
        if name == "test_vectors":
            await console.expect("vectors: 512 bits", DEADLINE_SECONDS)
        await console.expect(END, PROGRAM_SECONDS)
    check_report(console.lines)
    assert (CONTEXTS in console.lines) == ("pcid=off" not in words)


@pytest.mark.parametrize("cpus", [1, 4])
async def test_handoff_is_the_same(handoff_images: Path, tmp_path: Path, test_logs: TestLogs, cpus: int) -> None:
    machine = BochsMachine(handoff_images / CD, cpus=cpus, cpu_model="corei7_icelake_u")
    async with run_bochs(machine, tmp_path, test_logs) as console:
        await console.expect(END, DEADLINE_SECONDS)
    assert len(check_report(console.lines).passed) == CHECKS
