"""Barriers against speculation: off unless the processor wants them or the command line does, and harmless when on."""

from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from tests.conftest import StartGuest
from tests.harness.protocol import END, check_report
from tools.guest_test import TEST_KERNEL, build_guest_test
from tools.qemu import Machine

DEADLINE_SECONDS = 240
JUMP = 0xE9
DOORS = ("leave_at_once", "leave_by_return", "leave_own_stack", "entered_from_user", "entered_from_kernel")


def door_addresses() -> dict[str, int]:
    with TEST_KERNEL.output.open("rb") as file:
        table: Any = ELFFile(file).get_section_by_name(".symtab")
        return {name: table.get_symbol_by_name(name)[0]["st_value"] for name in DOORS}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_entry", "test_threads", "test_faults"])
async def test_programs_with_barriers(start_guest: StartGuest, name: str) -> None:
    machine = Machine(cpus=2, memory_mib=256, archive=build_guest_test(name), command_line="barriers=on")
    async with start_guest(machine) as guest:
        await guest.expect("boot: barriers against speculation are on", DEADLINE_SECONDS)
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)


@pytest.mark.slow
@pytest.mark.parametrize(("words", "is_guarded"), [("barriers=on", True), ("barriers=off", False), ("", False)])
async def test_doors_are_changed_only_for_barriers(start_guest: StartGuest, words: str, is_guarded: bool) -> None:
    machine = Machine(cpus=1, memory_mib=256, archive=build_guest_test("spin"), command_line=words)
    async with start_guest(machine) as guest:
        await guest.expect("test: plan 0", DEADLINE_SECONDS)
        for name, address in door_addresses().items():
            command = f"x /1xb {address:#x}"
            told = await guest.monitor.execute("human-monitor-command", **{"command-line": command})
            assert (int(str(told).split()[-1], 16) == JUMP) == is_guarded, name
