"""The guest tests of userspace/guest_tests: each program takes init's place on a kernel with every check."""

import pytest

from tests.conftest import StartGuest
from tests.harness.protocol import END, check_report
from tools.guest_test import build_guest_test, names, names_with_more
from tools.qemu import Machine

DEADLINE_SECONDS = 120
FULL_DEADLINE_SECONDS = 3600


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [1, 2, 4])
@pytest.mark.parametrize("name", names())
async def test_program(start_guest: StartGuest, name: str, cpus: int) -> None:
    archive = build_guest_test(name)
    async with start_guest(Machine(cpus=cpus, memory_mib=256, archive=archive)) as guest:
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)


@pytest.mark.long
@pytest.mark.parametrize("cpus", [1, 2, 4])
@pytest.mark.parametrize("name", names_with_more())
async def test_program_in_full(start_guest: StartGuest, name: str, cpus: int) -> None:
    """With the whole number of rounds."""
    machine = Machine(cpus=cpus, memory_mib=256, archive=build_guest_test(name), command_line="test.full")
    async with start_guest(machine) as guest:
        await guest.expect(END, FULL_DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)
