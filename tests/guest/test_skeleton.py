"""The walking skeleton: every layer takes part, on one CPU and on four."""

import pytest

from tests.conftest import StartGuest
from tests.harness.protocol import END, check_report
from tools.qemu import Machine

DEADLINE_SECONDS = 30


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.usefixtures("boot_files")
async def test_skeleton_boots_and_completes_a_nop(start_guest: StartGuest, cpus: int) -> None:
    async with start_guest(Machine(cpus=cpus, memory_mib=256)) as guest:
        await guest.expect(f"boot: ok cpus={cpus} memory=256MiB door=direct", DEADLINE_SECONDS)
        await guest.expect("user: nop completed", DEADLINE_SECONDS)
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    assert len(check_report(guest.console.lines).passed) == 1
