"""Machines with little memory and with much."""

import pytest

from tests.conftest import StartGuest
from tests.harness.protocol import END, check_report
from tools.guest_test import build_guest_test
from tools.qemu import Machine

DEADLINE_SECONDS = 120


@pytest.mark.slow
@pytest.mark.parametrize(("name", "memory_mib"), [("test_memory_limits", 64), ("huge_pages", 4096)])
async def test_memory_size(start_guest: StartGuest, name: str, memory_mib: int) -> None:
    archive = build_guest_test(name)
    async with start_guest(Machine(cpus=2, memory_mib=memory_mib, archive=archive)) as guest:
        await guest.expect(f"boot: ok cpus=2 memory={memory_mib}MiB door=direct", DEADLINE_SECONDS)
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)


@pytest.mark.slow
@pytest.mark.usefixtures("boot_files")
async def test_64_gibibytes(start_guest: StartGuest) -> None:
    """The host has less: QEMU pretends."""
    async with start_guest(Machine(cpus=2, memory_mib=65536)) as guest:
        await guest.expect("boot: ok cpus=2 memory=65536MiB door=direct", DEADLINE_SECONDS)
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
