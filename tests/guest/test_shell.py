"""The shell, driven over the serial line as somebody at a terminal would."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conftest import StartGuest
from tests.guest.panic_report import read_panic_report
from tests.harness.failures import GuestPanic, GuestReset
from tests.harness.machine import Guest
from tools.build import ARCHIVE_MEMBERS, Program, build_program, only_one_builder, write_archive
from tools.paths import BOOT_ARCHIVE, GUEST_TESTS
from tools.qemu import Machine

DEADLINE_SECONDS = 30
PROMPT = "ringneck> "
MORE = ("endless", "many_lines")
UP, TAB, BACKSPACE, INTERRUPT, KILL_LINE = "\x1b[A", "\t", "\x7f", "\x03", "\x15"
LEFT, RIGHT, HOME, END, DELETE = "\x1b[D", "\x1b[C", "\x1b[H", "\x1b[F", "\x1b[3~"
WORD_LEFT, WORD_RIGHT, RUB_OUT_WORD, KILL_REST = "\x1b[1;5D", "\x1b[1;5C", "\x17", "\x0b"


@pytest.fixture
def archive_with_more(boot_files: None) -> Path:
    """The boot archive with a program that goes on until it is ended, and one that prints much."""
    more = [Program(f"userspace.guest_tests.{name}", "user", GUEST_TESTS / f"{name}.elf") for name in MORE]
    archive = GUEST_TESTS / "shell.tar"
    with only_one_builder():
        for program in more:
            build_program(program, "release")
        write_archive(archive, (*ARCHIVE_MEMBERS, *(program.output for program in more)))
    return archive


@asynccontextmanager
async def start_shell(
    start_guest: StartGuest, cpus: int, words: str = "init.shell", archive: Path = BOOT_ARCHIVE
) -> AsyncIterator[Guest]:
    async with start_guest(Machine(cpus=cpus, memory_mib=256, command_line=words, archive=archive)) as guest:
        await guest.expect_prompt(PROMPT, DEADLINE_SECONDS)
        yield guest


async def enter(guest: Guest, keys: str, *wanted: str) -> None:
    """Types a line, and waits for lines that match and for the next prompt."""
    guest.send(keys + "\r")
    for pattern in wanted:
        await guest.expect(re.compile(pattern), DEADLINE_SECONDS)
    await guest.expect_prompt(PROMPT, DEADLINE_SECONDS)


async def kill_service(guest: Guest, name: str, follows: str) -> None:
    guest.send(f"kill {name}\r")
    await guest.expect(f"exit: {name} status=137", DEADLINE_SECONDS)
    await guest.expect(f"init: {name}: {follows}", DEADLINE_SECONDS)


async def leave(guest: Guest) -> None:
    guest.send("exit\r")
    await guest.expect_success(DEADLINE_SECONDS)


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.usefixtures("boot_files")
async def test_edits_lines(start_guest: StartGuest, cpus: int) -> None:
    async with start_shell(start_guest, cpus) as guest:
        await enter(guest, "hepp" + BACKSPACE * 2 + "lp", r"^poweroff\s+turn the machine off")
        await enter(guest, "nonsense" + KILL_LINE + "frob", "^frob: there is no such command")
        await enter(guest, UP, "^frob: there is no such command")
        await enter(guest, "he" + TAB, r"^exit \[STATUS\]")
        await enter(guest, "p" + TAB + KILL_LINE, r"^ps  ping  panic  poweroff")
        await enter(guest, "elp" + HOME + "h" + END + "x" + LEFT + DELETE, r"^exit \[STATUS\]")
        await enter(guest, "go to frob" + WORD_LEFT * 2 + KILL_LINE + WORD_RIGHT + RUB_OUT_WORD, "^frob: there is no")
        await enter(guest, "nothing" + WORD_LEFT + "run  hel" + LEFT + RIGHT + TAB + KILL_REST, "^sum: 4$")
        guest.send("abandoned" + INTERRUPT)
        await guest.expect(re.compile(r"abandoned\^C$"), DEADLINE_SECONDS)
        await guest.expect_prompt(PROMPT, DEADLINE_SECONDS)
        await leave(guest)


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.usefixtures("boot_files")
async def test_runs_programs(start_guest: StartGuest, cpus: int) -> None:
    async with start_shell(start_guest, cpus) as guest:
        await enter(guest, "run hello", "^sum: 4$", "^exit: hello status=0$")
        await enter(guest, "run hel" + TAB, "^sum: 4$", "^exit: hello status=0$")
        await enter(guest, "run nothing", "^nothing: there is no such program")
        guest.send("run shell\r")
        await guest.expect(re.compile("^shell: this program was not given a console"), DEADLINE_SECONDS)
        await guest.expect("exit: shell status=1", DEADLINE_SECONDS)
        await guest.expect_prompt(PROMPT, DEADLINE_SECONDS)
        await leave(guest)


@pytest.mark.parametrize("cpus", [1, 4])
async def test_shows_every_line(start_guest: StartGuest, archive_with_more: Path, cpus: int) -> None:
    """Many more than the kernel keeps; one that the console has no room for waits."""
    async with start_shell(start_guest, cpus, archive=archive_with_more) as guest:
        await enter(guest, "run many_lines", "^exit: many_lines status=0$")
        shown = [line for line in guest.console.lines if line.endswith("of many")]
        assert shown == [f"line {number:04} of many" for number in range(2000)]
        await leave(guest)


async def test_stops_programs(start_guest: StartGuest, archive_with_more: Path) -> None:
    async with start_shell(start_guest, 2, archive=archive_with_more) as guest:
        guest.send("run endless\r")
        await guest.expect("endless: going on", DEADLINE_SECONDS)
        guest.send(INTERRUPT)
        await guest.expect("exit: endless status=130", DEADLINE_SECONDS)
        await guest.expect_prompt(PROMPT, DEADLINE_SECONDS)
        guest.send("run endless &\r")
        await guest.expect("endless: going on", DEADLINE_SECONDS)
        await enter(guest, "")
        await enter(guest, "ps", r"^  -  running .* shell$", r"^  0  running .* endless$")
        await enter(guest, "kill 0", "^exit: endless status=137$")
        await enter(guest, "kill 0", "^0: there is no such job")
        await leave(guest)


@pytest.mark.usefixtures("boot_files")
async def test_shows_the_system(start_guest: StartGuest) -> None:
    async with start_shell(start_guest, 2) as guest:
        await enter(guest, "mem", r"^free memory: \d+ KiB$", r"^objects: +5 process$", r"^account: +\d+ of \d+ frames$")
        await enter(guest, "caps", r"process +1fff  this process$", r"memory .* hello\.elf$")
        await enter(guest, "log", r"cpu 0 info: boot: ok cpus=2")
        await enter(guest, "log loud", "^loud: levels are")
        await enter(guest, "trace on")
        await enter(guest, "trace", r"^trace: cpu=\d+ time=\d+ thread=\d+ event=1 number=3 value=")
        await enter(guest, "trace", r"^times: cpu=\d+ calls below \d+ ns: [1-9]")
        await enter(guest, "trace", r"^times: cpu=\d+ interrupts below \d+ ns: [1-9]")
        await enter(guest, "trace loud", "^loud: a trace is on or off")
        await enter(guest, "top", r"^  - +\d+  shell$")
        await enter(guest, "bench", r"^ +\d+ ns  empty system call$")
        await leave(guest)


@pytest.mark.parametrize("cpus", [1, 2])
@pytest.mark.usefixtures("boot_files")
async def test_calls_services_by_name(start_guest: StartGuest, cpus: int) -> None:
    async with start_shell(start_guest, cpus) as guest:
        await enter(guest, "ping console", r"^console answers 42 within \d+ us; calls before: 0$")
        await enter(guest, "ping nobody", r"^there is no such service; 3 have names$")
        await enter(guest, "ping names", r"^no answer: the server does not know this call")
        for name in ("names", "console"):
            guest.send(f"kill {name}\r")
            await guest.expect(f"init: {name}: started again", DEADLINE_SECONDS)
        await enter(guest, "ping console", r"^console answers 42 within \d+ us; calls before: 0$")
        await leave(guest)


@pytest.mark.usefixtures("boot_files")
async def test_turns_the_machine_off(start_guest: StartGuest) -> None:
    async with start_shell(start_guest, 2) as guest:
        guest.send("poweroff\r")
        assert await guest.console.wait_end(DEADLINE_SECONDS) == 0


@pytest.mark.usefixtures("boot_files")
async def test_starts_the_machine_anew(start_guest: StartGuest) -> None:
    async with start_shell(start_guest, 2) as guest:
        guest.send("reboot\r")
        with pytest.raises(GuestReset):
            await guest.console.wait_end(DEADLINE_SECONDS)


@pytest.mark.usefixtures("boot_files")
async def test_panics(start_guest: StartGuest) -> None:
    async with start_shell(start_guest, 2) as guest:
        guest.send("panic\r")
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
        report = read_panic_report(guest.console.lines)
    assert report.message == "a program that holds the machine asked for it"
    assert report.place.startswith("kernel/objects/system.py:")


@pytest.mark.usefixtures("boot_files")
async def test_ends_with_the_status_of_the_shell(start_guest: StartGuest) -> None:
    async with start_shell(start_guest, 2) as guest:
        guest.send("exit 3\r")
        await guest.expect("exit: shell status=3", DEADLINE_SECONDS)
        await guest.expect("exit: init status=3", DEADLINE_SECONDS)


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.usefixtures("boot_files")
async def test_services_are_started_again(start_guest: StartGuest, cpus: int) -> None:
    async with start_shell(start_guest, cpus) as guest:
        await enter(guest, "ps", r"^  \*  running .* keyboard$", r"^  \*  running .* console$")
        for name in ("keyboard", "console"):
            guest.send(f"kill {name}\r")
            await guest.expect(f"exit: {name} status=137", DEADLINE_SECONDS)
            await guest.expect(f"init: {name}: started again", DEADLINE_SECONDS)
            await enter(guest, "ps", rf"^  \*  running .* {name}, started 2 times$")
        for ending in ("started again", "started again", "ended too often"):
            await kill_service(guest, "keyboard", ending)
        await enter(guest, "ping keyboard", "^no answer: nobody answers$")
        await kill_service(guest, "names", "started again")
        await enter(guest, "ping keyboard", "^there is no such service")
        await enter(guest, "ping console", "^console answers 42")
        await enter(guest, "run hello", "^exit: hello status=0$")
        await leave(guest)


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize(("service", "follows"), [("names", "^no answer: nobody answers$"), ("console", "")])
@pytest.mark.usefixtures("boot_files")
async def test_services_that_end_too_often(start_guest: StartGuest, cpus: int, service: str, follows: str) -> None:
    """Whoever calls one hears of it, and a shell without a console ends."""
    async with start_shell(start_guest, cpus) as guest:
        for ending in ("started again", "started again", "started again", "ended too often"):
            await kill_service(guest, service, ending)
        if follows:
            await enter(guest, "ping console", follows)
            await leave(guest)
        else:
            await guest.expect("exit: shell status=1", DEADLINE_SECONDS)
            await guest.expect("exit: init status=1", DEADLINE_SECONDS)


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.usefixtures("boot_files")
async def test_shows_threads_and_schedulers(start_guest: StartGuest, cpus: int) -> None:
    async with start_shell(start_guest, cpus) as guest:
        await enter(guest, "run threads", "^threads: 10001 alive", "^threads: 10000 answered", "threads status=0$")
        shown = [rf"^cpu {cpu}: 480 turns, 456 waits, busy \d+ %" for cpu in range(cpus)]
        await enter(guest, "run scheduler", *shown, rf"^scheduler: {cpus * 24} tasks ended$", "scheduler status=0$")
        await leave(guest)
