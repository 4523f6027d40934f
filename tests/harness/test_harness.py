"""The harness notices each way in which a guest can fail: tried on boot sectors that fail in exactly that way."""

import asyncio
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import StartGuest
from tests.harness.boot_sector import HANG, TRIPLE_FAULT, exit_with, machine_that_prints
from tests.harness.failures import GuestEnded, GuestHang, GuestPanic, GuestReset
from tools.qemu import EXIT_FAILURE, Machine

SECONDS = 20
# Long enough for the BIOS to start the sector, short enough to wait for in a test.
HANG_SECONDS = 3
SUCCESS, FAILURE = 0x10, 0x11


async def test_good_guest_passes(start_guest: StartGuest, tmp_path: Path) -> None:
    async with start_guest(machine_that_prints("one\r\ntwo 2\r\n", exit_with(SUCCESS), tmp_path / "disk")) as guest:
        await guest.expect("one", SECONDS)
        found = await guest.expect(re.compile(r"two (\d)"), SECONDS)
        await guest.expect_success(SECONDS)
    assert found[1] == "2"
    assert guest.logs.serial.read_bytes().endswith(b"one\r\ntwo 2\r\n")
    assert "isa-debug-exit" in guest.logs.command.read_text()
    assert "cont" in guest.logs.qmp.read_text()


async def test_hang_is_noticed(start_guest: StartGuest, tmp_path: Path) -> None:
    async with start_guest(machine_that_prints("one\n", HANG, tmp_path / "disk")) as guest:
        await guest.expect("one", SECONDS)
        with pytest.raises(GuestHang, match="two"):
            await guest.expect("two", HANG_SECONDS)
        with pytest.raises(GuestHang, match="did not end"):
            await guest.expect_success(HANG_SECONDS)


async def test_silence_is_noticed(start_guest: StartGuest, tmp_path: Path) -> None:
    async with start_guest(machine_that_prints("", HANG, tmp_path / "disk")) as guest:
        with pytest.raises(GuestHang):
            await guest.expect("one", HANG_SECONDS)


async def test_missing_line_is_noticed(start_guest: StartGuest, tmp_path: Path) -> None:
    async with start_guest(machine_that_prints("one\ntwo or more\n", exit_with(SUCCESS), tmp_path / "disk")) as guest:
        with pytest.raises(GuestEnded, match="before this line came: two"):
            await guest.expect("two", SECONDS)


async def test_triple_fault_is_noticed(start_guest: StartGuest, tmp_path: Path) -> None:
    async with start_guest(machine_that_prints("one\n", TRIPLE_FAULT, tmp_path / "disk")) as guest:
        with pytest.raises(GuestReset):
            await guest.expect_success(SECONDS)
    assert "one" in guest.console.lines


@pytest.mark.parametrize("ending", [HANG, exit_with(SUCCESS)], ids=["hang", "exit"])
async def test_panic_is_noticed(start_guest: StartGuest, tmp_path: Path, ending: bytes) -> None:
    report = "panic: oh no\nat main.py:1\npanic: end\n"
    async with start_guest(machine_that_prints(report, ending, tmp_path / "disk")) as guest:
        with pytest.raises(GuestPanic, match=r"panic: oh no(.|\n)*main.py:1"):
            await guest.expect("one", SECONDS)


async def test_loader_error_is_noticed(start_guest: StartGuest, tmp_path: Path) -> None:
    report = "\r\nloader: error: no kernel\r\nloader: stopped\r\n"
    async with start_guest(machine_that_prints(report, HANG, tmp_path / "disk")) as guest:
        with pytest.raises(GuestPanic, match="no kernel"):
            await guest.expect("one", SECONDS)


async def test_half_a_panic_is_noticed(start_guest: StartGuest, tmp_path: Path) -> None:
    async with start_guest(machine_that_prints("panic: oh no\n", HANG, tmp_path / "disk")) as guest:
        with pytest.raises(GuestPanic, match="oh no"):
            await guest.expect_success(HANG_SECONDS)


async def test_wrong_status_is_noticed(start_guest: StartGuest, tmp_path: Path) -> None:
    async with start_guest(machine_that_prints("one\n", exit_with(FAILURE), tmp_path / "disk")) as guest:
        with pytest.raises(GuestEnded, match=f"status {EXIT_FAILURE}"):
            await guest.expect_success(SECONDS)


async def test_killed_qemu_is_noticed(start_guest: StartGuest, tmp_path: Path) -> None:
    async with start_guest(machine_that_prints("one\n", HANG, tmp_path / "disk")) as guest:
        await guest.expect("one", SECONDS)
        assert guest.process is not None
        guest.process.kill()
        with pytest.raises(GuestEnded, match="status -9"):
            await guest.expect_success(SECONDS)


async def test_bad_command_line_is_told(start_guest: StartGuest) -> None:
    with pytest.raises(GuestEnded, match=r"did not start.*unsupported machine"):
        async with start_guest(Machine(machine="no-such-machine")):
            pass


async def test_qemu_is_gone_afterwards(start_guest: StartGuest, tmp_path: Path) -> None:
    machine = machine_that_prints("one\n", HANG, tmp_path / "disk")
    with pytest.raises(ZeroDivisionError):
        async with start_guest(machine) as guest:
            raise ZeroDivisionError
    assert guest.process is not None and guest.process.returncode is not None


async def test_screen_of_a_failed_guest_is_kept(start_guest: StartGuest, tmp_path: Path) -> None:
    machine = replace(machine_that_prints("one\n", HANG, tmp_path / "disk"), video=True)
    with pytest.raises(GuestHang):
        async with start_guest(machine) as guest:
            await guest.expect("one", SECONDS)
            await guest.expect("two", HANG_SECONDS)
    assert guest.logs.screen.read_bytes().startswith(b"P6\n")


async def test_guests_run_side_by_side(start_guest: StartGuest, tmp_path: Path) -> None:
    async def run(number: int) -> list[str]:
        machine = machine_that_prints(f"guest {number}\n", exit_with(SUCCESS), tmp_path / str(number))
        async with start_guest(machine) as guest:
            await guest.expect_success(SECONDS)
        return guest.console.lines

    lines = await asyncio.gather(run(1), run(2))
    assert ["guest 1" in part for part in lines] == [True, False]
    assert ["guest 2" in part for part in lines] == [False, True]
