"""Non-maskable interrupts at any moment: the kernel goes on, and so does every program."""

import asyncio

import pytest
from qemu.qmp import ExecuteError, QMPError

from tests.conftest import StartGuest
from tests.harness.failures import GuestFailure
from tests.harness.machine import Guest
from tests.harness.protocol import END, check_report
from tools.guest_test import build_guest_test
from tools.qemu import Machine

DEADLINE_SECONDS = 240


async def send_until(guest: Guest, ended: asyncio.Task[object]) -> None:
    """Sends interrupts for as long as the guest runs, which counts them."""
    while not ended.done():
        try:
            await guest.monitor.execute("inject-nmi")
        except (ExecuteError, QMPError, GuestFailure):
            break                       # the guest has ended between the look and the command
        await asyncio.sleep(0)


@pytest.mark.slow
@pytest.mark.parametrize("words", ["kpti=off", "kpti=on", "kpti=on barriers=on"])
@pytest.mark.parametrize("cpus", [1, 4])
async def test_interrupts_that_cannot_be_masked(start_guest: StartGuest, cpus: int, words: str) -> None:
    archive = build_guest_test("storm")
    async with start_guest(Machine(cpus=cpus, memory_mib=256, archive=archive, command_line=words)) as guest:
        await guest.expect("test: plan 1", DEADLINE_SECONDS)
        ended: asyncio.Task[object] = asyncio.create_task(guest.expect(END, DEADLINE_SECONDS))
        await send_until(guest, ended)
        await ended
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)
