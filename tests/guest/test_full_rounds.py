"""The guest tests that run a part of their rounds in every test run, with all of them."""

import pytest

from tests.conftest import StartGuest
from tests.harness.protocol import END, check_report
from tools.guest_test import build_guest_test
from tools.qemu import Machine

DEADLINE_SECONDS = 3600
CASES = [("test_ring_storm", 4), ("test_end_races", 4), ("test_ring_threads", 2), ("test_hostile_rings", 2)]


@pytest.mark.long
@pytest.mark.parametrize(("name", "cpus"), CASES)
async def test_all_rounds(start_guest: StartGuest, name: str, cpus: int) -> None:
    machine = Machine(cpus=cpus, memory_mib=256, archive=build_guest_test(name), command_line="test.rounds=full")
    async with start_guest(machine) as guest:
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)
