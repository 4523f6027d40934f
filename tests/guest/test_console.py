"""What becomes of the log while a program has the console and does not show it."""

import pytest

from tests.conftest import StartGuest
from tests.harness.protocol import END, check_report
from tools.guest_test import build_guest_test
from tools.qemu import Machine

DEADLINE_SECONDS = 60
FLOOD = 100


def log_lines(lines: list[str]) -> list[str]:
    return [line for line in lines if line.partition(":")[0] in ("read", "twice", "let go", "flood", "left")]


LINES = ["twice: the first has gone", "let go: read", "let go: not read"]


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [1, 4])
async def test_the_kernel_shows_what_nobody_has_shown(start_guest: StartGuest, cpus: int) -> None:
    archive = build_guest_test("console_lines")
    async with start_guest(Machine(cpus=cpus, memory_mib=256, archive=archive)) as guest:
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)
    assert log_lines(guest.console.lines) == [*LINES, *["flood"] * FLOOD]


@pytest.mark.slow
async def test_power_off_shows_what_nobody_has_shown(start_guest: StartGuest) -> None:
    archive = build_guest_test("console_lines")
    machine = Machine(cpus=2, memory_mib=256, archive=archive, command_line="test.poweroff")
    async with start_guest(machine) as guest:
        assert await guest.console.wait_end(DEADLINE_SECONDS) == 0
    assert log_lines(guest.console.lines) == [*LINES, "left: by power off"]
