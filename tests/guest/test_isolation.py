"""Isolation of page tables: what programs' tables hold of the kernel, and that everything works with it as without."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from kernel.arch.x86_64.cpu import AREA_BYTES, TASK_OFFSET
from kernel.arch.x86_64.gdt import EXCEPTION_STACKS
from kernel.config import EXCEPTION_STACK_BYTES, KERNEL_STACK_BYTES
from kernel.memory_map import IMAGE, STACK_SLOT_BYTES, STACKS, UPPER_HALF
from tests.conftest import StartGuest
from tests.guest.panic_report import read_panic_report
from tests.harness.failures import GuestPanic
from tests.harness.machine import Guest
from tests.harness.protocol import END, check_report
from tools.guest_test import TEST_KERNEL, build_guest_test, names
from tools.qemu import EXIT_FAILURE, Machine

DEADLINE_SECONDS = 240
PROGRAM_SECONDS = 900
PAGE = 4096
TEXT_PAGES = 6                          # at most, of the doors
TOLD = "boot: programs run on page tables without the kernel"
JUMP = 0xE9
DOORS = ("entry.system_call_door", "traced_entry.traced_door", "entry.exception_entry", "entry.own_stack_entry")
ENDS = ("leave_at_once", "leave_by_return", "guarded_sysret_ends", "guarded_iret_ends", "own_stack_ends")
# Of `make test`: what enters and leaves in every way, and changes tables on several CPUs, in little time.
SOME = {
    "test_entry": 4, "test_faults": 1, "test_vectors": 2, "test_trace": 2, "test_memory": 4, "test_processes": 4,
    "test_calls": 1, "test_upcalls": 4, "test_devices": 1, "test_privileges": 2, "test_allocations": 1,
}  # fmt: skip
# A storm of interrupts is so many in a tenth of a second, which an emulator that forgets all translations at each of
# them does not reach in its own time: here a guest instruction takes a nanosecond, however long the emulator needs.
BY_INSTRUCTIONS = {"test_interrupts"}


def choices() -> list[Any]:
    return [
        pytest.param(name, cpus, marks=() if SOME.get(name) == cpus else pytest.mark.long)
        for name in names()
        for cpus in (1, 2, 4)
    ]


def symbols() -> dict[str, int]:
    with TEST_KERNEL.output.open("rb") as file:
        table: Any = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name.removeprefix("kernel.arch.x86_64."): symbol["st_value"] for symbol in table.iter_symbols()}


async def ask(guest: Guest, command: str, cpu: int = 0) -> str:
    words = {"command-line": command, "cpu-index": cpu}
    return str(await guest.monitor.execute("human-monitor-command", **words))


async def pages_for_programs(guest: Guest, cpu: int) -> dict[int, str]:
    """The pages of the kernel's half that a CPU has while it is in user mode, each with its access."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            await guest.monitor.execute("stop")
            if "CPL=3" in await ask(guest, "info registers", cpu):
                break
            await guest.monitor.execute("cont")
    told = await ask(guest, "info mem", cpu)
    await guest.monitor.execute("cont")
    ranges = re.findall(r"([0-9a-f]{16})-([0-9a-f]{16}) [0-9a-f]{16} (\S+)", told)
    assert ranges, told
    found: dict[int, str] = {}
    for first, end, access in ranges:
        if int(first, 16) >= UPPER_HALF:
            # The last range may end where addresses do, and large ones are cut short.
            pages = min((int(end, 16) - int(first, 16)) % (1 << 64) // PAGE, 1 << 16)
            found |= {int(first, 16) + number * PAGE: access for number in range(pages)}
    return found


def stack_tops(cpus: int) -> set[int]:
    """The top pages of the exception stacks (kernel/memory/stacks.py)."""
    tops = set()
    for cpu in range(cpus):
        end = STACKS + cpu * STACK_SLOT_BYTES + PAGE + KERNEL_STACK_BYTES
        tops |= {end + (number + 1) * (PAGE + EXCEPTION_STACK_BYTES) - PAGE for number in range(EXCEPTION_STACKS)}
    return tops


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [1, 4])
async def test_programs_have_nothing_of_the_kernel_but_its_doorstep(start_guest: StartGuest, cpus: int) -> None:
    machine = Machine(cpus=cpus, memory_mib=256, archive=build_guest_test("spin"), command_line="kpti=on")
    places = symbols()
    first, end = places["cpu._boot_area"] + TASK_OFFSET, places["cpu._boot_area"] + AREA_BYTES
    data = set(range(first, end, PAGE)) | stack_tops(cpus) | {places["traps.gates"]}
    async with start_guest(machine) as guest:
        await guest.expect(TOLD, DEADLINE_SECONDS)
        await guest.expect("test: plan 0", DEADLINE_SECONDS)
        for cpu in range(cpus):
            found = await pages_for_programs(guest, cpu)
            assert not any("u" in access for access in found.values())
            text = {page for page in found if places["__text_start"] <= page < places["__text_end"]}
            assert 0 < len(text) <= TEXT_PAGES and not any("w" in found[page] for page in text)
            areas = {page for page in found if page < STACKS}
            assert len(areas) == (cpus - 1) * (AREA_BYTES - TASK_OFFSET) // PAGE
            assert found.keys() - text - areas == data


@pytest.mark.slow
async def test_without_isolation_they_have_all_of_it(start_guest: StartGuest) -> None:
    """So that the test above is known to see what is there."""
    machine = Machine(cpus=1, memory_mib=256, archive=build_guest_test("spin"), command_line="kpti=off")
    async with start_guest(machine) as guest:
        await guest.expect("test: plan 0", DEADLINE_SECONDS)
        found = await pages_for_programs(guest, 0)
        assert len([page for page in found if page >= IMAGE]) > 64
        assert len([page for page in found if page < STACKS]) > 200 * 256


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "model", "is_isolated"),
    [
        ("", "qemu64", False),
        ("", "Nehalem", True),
        ("kpti=auto barriers=on", "Nehalem", True),
        ("kpti=off", "Nehalem", False),
        ("kpti=on", "qemu64", True),
    ],
)
async def test_doors_are_changed_only_for_isolation(
    start_guest: StartGuest, words: str, model: str, is_isolated: bool
) -> None:
    archive = build_guest_test("spin")
    machine = Machine(cpus=1, memory_mib=256, archive=archive, command_line=words, cpu_model=model)
    places = symbols()
    async with start_guest(machine) as guest:
        await guest.expect("test: plan 0", DEADLINE_SECONDS)
        # On programs' tables only the beginnings can be seen.
        for name in DOORS if is_isolated else (*DOORS, *ENDS):
            told = await ask(guest, f"x /1xb {places[name]:#x}")
            assert (int(told.split()[-1], 16) == JUMP) == is_isolated, name
        assert (TOLD in guest.console.lines) == is_isolated


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cpus"), choices())
async def test_programs_with_isolation(start_guest: StartGuest, name: str, cpus: int) -> None:
    """Barriers are on as well where there is one CPU."""
    words = "kpti=on barriers=on" if cpus == 1 else "kpti=on"
    is_counted = name in BY_INSTRUCTIONS
    machine = Machine(
        cpus=cpus, memory_mib=256, archive=build_guest_test(name), command_line=words, icount=is_counted
    )
    async with start_guest(machine) as guest:
        await guest.expect(END, PROGRAM_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [1, 4])
async def test_a_return_that_the_processor_refuses(
    start_guest: StartGuest, selftest_archive: Path, cpus: int
) -> None:
    """It comes on the program's tables, on the entry stack and with the program's gs base, and is told all the same."""
    machine = Machine(cpus=cpus, archive=selftest_archive, command_line="selftest=panic-return kpti=on")
    async with start_guest(machine) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect("never", DEADLINE_SECONDS)
        assert guest.process is not None
        assert await guest.process.wait() == EXIT_FAILURE
    report = read_panic_report(guest.console.lines)
    assert report.message == "protection" and report.action == "exit"
    assert set(report.cpus) == set(range(cpus)) - {int(report.values["cpu"])}
    assert report.callers[0][0] == "kernel.arch.x86_64.isolation._isolated_returns"
