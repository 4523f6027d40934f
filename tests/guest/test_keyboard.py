"""The shell at the keyboard and the screen: keys pressed through QEMU's monitor, letters read off a screenshot."""

import re

import pytest

from tests.conftest import StartGuest
from tests.guest.screen_text import Screenshot
from tests.harness.machine import Guest
from tools.qemu import Machine

DEADLINE_SECONDS = 30
PROMPT = "ringneck> "
NAMES = {" ": "spc", "\n": "ret", "\b": "backspace", "\t": "tab"}


async def press(guest: Guest, keys: str) -> None:
    """Each of them waits until the one before has been taken."""
    for key in keys:
        name = NAMES.get(key, key)
        await guest.monitor.execute("send-key", keys=[{"type": "qcode", "data": name}])


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
        await press(guest, "exit\n")
        await guest.expect_success(DEADLINE_SECONDS)
