"""Panics of every kind: one whole report each, whose first frame is the culprit, and the action asked for."""

import asyncio
import inspect
import re
from pathlib import Path

import pytest
from qemu.qmp import QMPError

from kernel.selftest import tests as selftests
from tests.conftest import StartGuest
from tests.guest.panic_report import PanicReport, read_panic_report
from tests.harness.failures import GuestPanic
from tools.qemu import EXIT_FAILURE, EXIT_SUCCESS, Machine

DEADLINE_SECONDS = 30
CPUS = 4
SOURCE = "kernel/selftest/tests.py"
REGISTERS = {"rip", "rsp", "rbp", "rflags", *(f"r{n}" for n in range(8, 16)), "rax", "rbx", "rcx", "rdx", "rsi", "rdi"}
REGISTERS |= {"cs", "error", "cr0", "cr2", "cr3", "cr4"}


async def report_of(start_guest: StartGuest, archive: Path, test: str, cpus: int = CPUS) -> PanicReport:
    machine = Machine(cpus=cpus, archive=archive, command_line=f"selftest={test}")
    async with start_guest(machine) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
        assert guest.process is not None
        assert await guest.process.wait() == EXIT_FAILURE
    return read_panic_report(guest.console.lines)


def check_report(
    report: PanicReport, cpu: int, culprit: str, cpus: int = CPUS, action: str = "exit"
) -> None:
    assert report.values.keys() >= REGISTERS
    assert report.values["cpu"] == str(cpu)
    assert report.values["state"] == "running"
    function, file, line = report.callers[0]
    assert function == f"kernel.selftest.tests.{culprit}"
    assert file == SOURCE
    _, first = inspect.getsourcelines(getattr(selftests, culprit))
    assert first <= line < first + 40
    assert set(report.cpus) == set(range(cpus)) - {cpu}
    assert report.action == action


@pytest.mark.parametrize("cpus", [1, CPUS])
async def test_a_failed_assertion(start_guest: StartGuest, selftest_archive: Path, cpus: int) -> None:
    report = await report_of(start_guest, selftest_archive, "panic-assert", cpus)
    check_report(report, 0, "fail_assertion", cpus)
    assert report.message == "assertion failed: one is two"
    assert report.place == f"{SOURCE}:{report.callers[0][2]}"
    assert report.callers[1][0] == "kernel.selftest.tests.run_on_boot_cpu"
    assert all(told.startswith("stopped at 0x") for told in report.cpus.values())


async def test_a_read_through_null(start_guest: StartGuest, selftest_archive: Path) -> None:
    report = await report_of(start_guest, selftest_archive, "panic-null")
    check_report(report, 0, "read_null")
    assert report.message == "page fault"
    assert int(report.values["cr2"], 16) == 0


async def test_a_write_to_the_configuration(start_guest: StartGuest, selftest_archive: Path) -> None:
    machine = Machine(cpus=CPUS, archive=selftest_archive, command_line="selftest=panic-configuration cpus=4")
    async with start_guest(machine) as guest:
        told = await guest.expect(
            re.compile(r"^selftest: the configuration at (0x[0-9a-f]+) limits CPUs to 4$"), DEADLINE_SECONDS
        )
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
    report = read_panic_report(guest.console.lines)
    check_report(report, 0, "write_configuration")
    assert report.message == "page fault"
    assert 0 <= int(report.values["cr2"], 16) - int(told[1], 16) < 8 * 4096


async def test_a_kernel_stack_overflow(start_guest: StartGuest, selftest_archive: Path) -> None:
    report = await report_of(start_guest, selftest_archive, "panic-overflow")
    check_report(report, 0, "overflow_stack")
    assert report.message == "kernel stack overflow"


async def test_a_panic_on_another_cpu(start_guest: StartGuest, selftest_archive: Path) -> None:
    report = await report_of(start_guest, selftest_archive, "panic-other-cpu")
    check_report(report, 3, "run_on_other_cpu")
    assert report.message == "on another CPU"


@pytest.mark.parametrize("test", ["panic-console", "panic-console-elsewhere"])
async def test_a_panic_while_the_console_is_locked(
    start_guest: StartGuest, selftest_archive: Path, test: str
) -> None:
    check_report(await report_of(start_guest, selftest_archive, test), 0, "fail_assertion")


async def test_a_panic_inside_the_report(start_guest: StartGuest, selftest_archive: Path) -> None:
    report = await report_of(start_guest, selftest_archive, "panic-nested")
    check_report(report, 0, "panic_now")
    assert len(report.nested) == 1 and report.nested[0].startswith("page fault at kernel.core.")


async def test_two_cpus_panic_at_once(start_guest: StartGuest, selftest_archive: Path) -> None:
    report = await report_of(start_guest, selftest_archive, "panic-two")
    cpu = int(report.values["cpu"])
    check_report(report, cpu, {0: "fail_assertion", 1: "read_null"}[cpu])


async def act(start_guest: StartGuest, archive: Path, action: str) -> tuple[bool, str]:
    """Whether QEMU ended after the report, and where the boot CPU is if it did not."""
    machine = Machine(cpus=2, archive=archive, command_line=f"selftest=panic-assert panic={action}")
    async with start_guest(machine) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
        assert read_panic_report(guest.console.lines).action == action
        if action == "reboot":
            assert guest.process is not None
            await guest.process.wait()
            return True, ""
        while True:
            try:
                registers = await guest.monitor.execute("human-monitor-command", **{"command-line": "info registers"})
            except (QMPError, EOFError):
                return True, ""
            assert isinstance(registers, str)
            if "HLT=1" in registers:
                return False, registers


async def test_halting_after_a_panic(start_guest: StartGuest, selftest_archive: Path) -> None:
    ended, registers = await act(start_guest, selftest_archive, "halt")
    assert not ended
    flags = re.search(r"RFL=([0-9a-f]+)", registers)
    assert flags is not None and int(flags[1], 16) & 0x200 == 0, "a halted CPU must not take interrupts"


async def test_restarting_after_a_panic(start_guest: StartGuest, selftest_archive: Path) -> None:
    ended, _ = await act(start_guest, selftest_archive, "reboot")
    assert ended


async def test_a_breakpoint_after_a_panic(start_guest: StartGuest, selftest_archive: Path) -> None:
    """Without a debugger the breakpoint is passed, and the CPU halts."""
    ended, _ = await act(start_guest, selftest_archive, "debug")
    assert not ended


async def survive(start_guest: StartGuest, archive: Path, words: str) -> tuple[PanicReport, list[str], int]:
    """The report of a panic with panic=continue, what was said behind it, and QEMU's status."""
    machine = Machine(cpus=CPUS, archive=archive, command_line=f"panic=continue {words}")
    async with start_guest(machine) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
        assert guest.process is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            status = await guest.process.wait()
    lines = guest.console.lines
    return read_panic_report(lines), lines[lines.index("panic: end") :], status


async def test_going_on_after_a_panic(start_guest: StartGuest, selftest_archive: Path) -> None:
    """The CPU that panicked gives up what it did; the others boot on, and the machine is whole."""
    report, behind, status = await survive(start_guest, selftest_archive, "selftest=panic-survived")
    check_report(report, 3, "run_on_other_cpu", action="continue")
    assert "test: end passed=1 failed=0" in behind and status == EXIT_SUCCESS


async def test_a_program_in_whose_call_the_kernel_panics_ends(
    start_guest: StartGuest, selftest_archive: Path
) -> None:
    report, behind, status = await survive(start_guest, selftest_archive, "selftest=panic-in-call")
    check_report(report, int(report.values["cpu"]), "fail_assertion", action="continue")
    assert any(line.startswith("exit: init ") for line in behind) and status == EXIT_FAILURE


async def test_a_panic_with_a_lock_held_is_not_survived(start_guest: StartGuest, selftest_archive: Path) -> None:
    machine = Machine(cpus=2, archive=selftest_archive, command_line="selftest=panic-console panic=continue")
    async with start_guest(machine) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
    assert read_panic_report(guest.console.lines).action == "halt: this CPU holds a lock"


@pytest.mark.usefixtures("boot_files")
async def test_a_release_kernel_survives_no_panic(start_guest: StartGuest) -> None:
    async with start_guest(Machine(cpus=1, command_line="panic=continue")) as guest:
        await guest.expect(
            "warn: boot: panic=continue is left out: panic= takes halt, exit, reboot or debug", DEADLINE_SECONDS
        )
