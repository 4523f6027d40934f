"""Shares of CPU time, and who waits for whom, where one guest instruction is one nanosecond and the host's load plays
no part."""

import pytest

from tests.conftest import StartGuest
from tests.harness.protocol import END, check_report
from tools.guest_test import build_guest_test
from tools.qemu import Machine

DEADLINE_SECONDS = 240


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [1, 2])
async def test_shares(start_guest: StartGuest, cpus: int) -> None:
    archive = build_guest_test("shares")
    async with start_guest(Machine(cpus=cpus, memory_mib=256, archive=archive, icount=True)) as guest:
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)


@pytest.mark.slow
async def test_a_crowd_holds_nobody_up(start_guest: StartGuest) -> None:
    archive = build_guest_test("sweeps")
    async with start_guest(Machine(cpus=1, memory_mib=256, archive=archive, icount=True)) as guest:
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)
