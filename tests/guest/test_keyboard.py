"""The shell at the keyboard and the screen: keys pressed through QEMU's monitor, letters read off a screenshot."""

import re
from collections.abc import Iterable

import pytest

from tests.conftest import StartGuest
from tests.guest.screen_text import Screenshot
from tests.harness.machine import Guest
from tools.qemu import Machine

DEADLINE_SECONDS = 30
PROMPT = "ringneck> "
NAMES = {" ": "spc", "\n": "ret", "\b": "backspace", "\t": "tab"}


async def press(guest: Guest, keys: Iterable[str]) -> None:
    """Letters, or QEMU's names of keys; those with a + between are pressed together.

    Each of them waits until the one before has been taken.
    """
    for key in keys:
        names = NAMES.get(key, key).split("+")
        await guest.monitor.execute("send-key", keys=[{"type": "qcode", "data": name} for name in names])


@pytest.mark.usefixtures("boot_files")
async def test_types_at_the_keyboard(start_guest: StartGuest) -> None:
    machine = Machine(cpus=2, memory_mib=256, command_line="init.shell", medium="kernel", video=True)
    async with start_guest(machine) as guest:
        await guest.expect_prompt(PROMPT, DEADLINE_SECONDS)
        await press(guest, "run hellp\bo\n")
        await guest.expect(re.compile(r"^sum: 4$"), DEADLINE_SECONDS)
        await guest.expect("exit: hello status=0", DEADLINE_SECONDS)
        await guest.expect_prompt(PROMPT, DEADLINE_SECONDS)
        screen = [text for text, _ in Screenshot(await guest.take_screenshot()).lines() if text]
        assert screen[-9:] == [
            "ringneck> run hello", "a: 0", "a: 1", "a: 2", "b: 0", "b: 1", "sum: 4",
            "exit: hello status=0", "ringneck>",
        ]
        assert screen[0] == "boot: the kernel begins"
        await press(guest, "exit\n")
        await guest.expect_success(DEADLINE_SECONDS)


EDITED = [
    ("h", "h"), ("l", "l"), ("l", "l"), ("o", "o"), ("left", "\b"), ("left", "\b"), ("left", "\b"),
    ("e", "ello" + "\b" * 3), ("home", "\b" * 2), ("right", "h"),
]  # fmt: skip
CUT = [
    ("delete", "llo " + "\b" * 4), ("ctrl+right", "llo"), ("backspace", "\b \b"), ("ctrl+left", "\b" * 3),
    ("end", "hll"),
]  # fmt: skip


@pytest.mark.usefixtures("boot_files")
async def test_moves_the_cursor(start_guest: StartGuest) -> None:
    """The echo of each key is waited for; a letter before the cursor, and the cursor itself, are seen on the screen."""
    machine = Machine(cpus=2, memory_mib=256, command_line="init.shell", medium="kernel", video=True)
    async with start_guest(machine) as guest:
        line = PROMPT
        await guest.expect_prompt(line, DEADLINE_SECONDS)
        for key, echo in EDITED:
            await press(guest, [key])
            line += echo
            await guest.expect_prompt(line, DEADLINE_SECONDS)
        screenshot = Screenshot(await guest.take_screenshot())
        shown = [text for text, _ in screenshot.lines()]
        last = max(row for row, text in enumerate(shown) if text)
        assert shown[last] == "ringneck> hello"
        assert screenshot.cursor() == (last, len("ringneck> h"))
        for key, echo in CUT:
            await press(guest, [key])
            line += echo
            await guest.expect_prompt(line, DEADLINE_SECONDS)
        await press(guest, "\n")
        await guest.expect("hll: there is no such command; `help` lists them", DEADLINE_SECONDS)
        await guest.expect_prompt(PROMPT, DEADLINE_SECONDS)
        await press(guest, "exit\n")
        await guest.expect_success(DEADLINE_SECONDS)
