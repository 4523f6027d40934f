"""init starts what its plan names, each program in a process of its own."""

import pytest

from tests.conftest import StartGuest
from tools.qemu import Machine

DEADLINE_SECONDS = 30


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.usefixtures("boot_files")
async def test_starts_a_program_of_the_plan(start_guest: StartGuest, cpus: int) -> None:
    async with start_guest(Machine(cpus=cpus, memory_mib=256, command_line="init.hello")) as guest:
        await guest.expect("user: nop completed", DEADLINE_SECONDS)
        await guest.expect("sum: 4", DEADLINE_SECONDS)
        await guest.expect("exit: hello status=0", DEADLINE_SECONDS)
        await guest.expect("exit: init status=0", DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
