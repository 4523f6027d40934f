"""The guest tests of userspace/guest_tests: each program takes init's place on a kernel with every check."""

import pytest

from tests.conftest import StartGuest
from tests.harness.protocol import END, check_report
from tools.guest_test import build_guest_test, names
from tools.qemu import Machine

DEADLINE_SECONDS = 120


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [1, 2, 4])
@pytest.mark.parametrize("name", names())
async def test_program(start_guest: StartGuest, name: str, cpus: int) -> None:
    archive = build_guest_test(name)
    async with start_guest(Machine(cpus=cpus, memory_mib=256, archive=archive)) as guest:
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)
