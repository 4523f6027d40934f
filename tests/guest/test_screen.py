"""The console on the screen, read back from a screenshot."""

from pathlib import Path

import pytest

from tests.conftest import StartGuest
from tests.guest.panic_report import read_panic_report
from tests.guest.screen_text import UNKNOWN, Colour, Screenshot
from tests.harness.failures import GuestPanic
from tests.host.qr_reader import read
from tools.qemu import Machine

DEADLINE_SECONDS = 40


Shown = list[tuple[str, Colour | None]]


async def screen_after_panic(start_guest: StartGuest, machine: Machine) -> tuple[list[str], Screenshot]:
    """The serial line after a panic that halts, and what the screen shows then."""
    async with start_guest(machine) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
        return guest.console.lines, Screenshot(await guest.take_screenshot())


async def test_the_screen_shows_what_the_serial_line_says(start_guest: StartGuest, selftest_archive: Path) -> None:
    machine = Machine(
        cpus=2, archive=selftest_archive, command_line="bogus panic=halt selftest=panic-assert", video=True
    )
    serial, screenshot = await screen_after_panic(start_guest, machine)
    screen: Shown = screenshot.lines()
    told = [line for line in serial if line]
    shown = [text.split(UNKNOWN)[0].rstrip() for text, _ in screen]
    assert [text for text in shown if text] == [line.removeprefix("warn: ") for line in told]
    warned = next(colour for text, colour in screen if "bogus" in text)
    plain = next(colour for text, colour in screen if text.startswith("boot: ok"))
    grave = next(colour for text, colour in screen if text.startswith("panic: "))
    assert len({warned, plain, grave}) == 3


async def test_old_lines_scroll_off_the_screen(start_guest: StartGuest, selftest_archive: Path) -> None:
    machine = Machine(cpus=1, archive=selftest_archive, command_line="panic=halt selftest=panic-long", video=True)
    serial, screenshot = await screen_after_panic(start_guest, machine)
    screen: Shown = screenshot.lines()
    told = [line for line in serial if line]
    assert len(told) > len(screen)
    assert [text.split(UNKNOWN)[0].rstrip() for text, _ in screen] == told[-len(screen) :]


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.usefixtures("boot_files")
async def test_a_panic_takes_the_screen_from_a_program(start_guest: StartGuest, cpus: int) -> None:
    """The console server has it; the report is whole in both places."""
    machine = Machine(
        cpus=cpus, memory_mib=256, command_line="init.shell panic=halt", medium="kernel", video=True
    )
    async with start_guest(machine) as guest:
        await guest.expect_prompt("ringneck> ", DEADLINE_SECONDS)
        guest.send("panic\r")
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
        serial = guest.console.lines
        screen = Screenshot(await guest.take_screenshot()).lines()
    report = read_panic_report(serial)
    assert report.message == "a program that holds the machine asked for it"
    told = [line for line in serial if line]
    shown = [text.split(UNKNOWN)[0].rstrip() for text, _ in screen]
    shown = [text for text in shown if text]
    assert shown == told[-len(shown) :]
    assert f"panic: {report.message}" in shown


async def test_a_phone_can_read_the_report(start_guest: StartGuest, selftest_archive: Path) -> None:
    machine = Machine(cpus=2, archive=selftest_archive, command_line="panic=halt selftest=panic-assert", video=True)
    serial, screenshot = await screen_after_panic(start_guest, machine)
    report = "\n".join(serial[serial.index("panic: assertion failed: one is two") :])
    text = read(screenshot.code()).decode()
    assert len(text) > 1000
    assert report.startswith(text.rstrip("\n"))
