"""Upcalls at each instruction of masked code, of the unmask sequence and of a critical range, one step at a time.

The guest stands still while an event is made: CPU 0 before the instruction, CPU 1 runs alone until it has signalled.
Then CPU 0 must enter the kernel, and come back to the same instruction with the same registers. Whether the upcall came
at the right place and the event exactly once is checked by the program (userspace/guest_tests/upcall_steps.py).
"""

from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from kernel.memory_map import UPPER_HALF
from tests.conftest import StartGuest
from tests.harness.debugger import Debugger, attach_debugger
from tests.harness.protocol import END, check_report
from tools.guest_test import build_archive
from tools.paths import GUEST_TESTS
from tools.qemu import Machine

DEADLINE_SECONDS = 60
PROGRAM = "upcall_steps"
OVER = 1
# QEMU may look for interrupts in a step of its own before it takes one.
MOST_STEPS_TO_KERNEL = 3
LONGEST_TRACE = 2000


def symbols(image: Path) -> dict[str, int]:
    """Of the program, without the names of their modules."""
    with image.open("rb") as file:
        table: Any = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name.rpartition(".")[2]: symbol["st_value"] for symbol in table.iter_symbols()}


class Round:
    """CPU 0 on its way from `_begin_round` to `_end_round`."""

    def __init__(self, debugger: Debugger, places: dict[str, int]) -> None:
        self.debugger = debugger
        self.places = places

    async def begin(self) -> None:
        """Ends the round before."""
        await self.debugger.run_to(self.places["_begin_round"], 0)

    async def trace(self) -> list[int]:
        """Steps to the round's end. Returns the addresses of the instructions, from where it is up to the end."""
        found: list[int] = []
        while (place := await self.debugger.place(0)) != self.places["_end_round"]:
            found.append(place)
            assert place < UPPER_HALF and len(found) < LONGEST_TRACE, f"never came to the end, but to {place:#x}"
            await self.debugger.step(0)
        return found

    async def go_to(self, index: int, trace: list[int]) -> None:
        """Runs from the trace's first instruction to one of the others, which may be gone through more than once."""
        for _ in range(trace[1 : index + 1].count(trace[index])):
            await self.debugger.run_to(trace[index], 0)

    async def cause_event(self) -> None:
        """Here an event comes. Afterwards the instruction is still to be executed."""
        debugger = self.debugger
        before, place = await debugger.registers(0), await debugger.place(0)
        await debugger.write_word(self.places["_request"], place)
        await debugger.run_to(self.places["_tell_signalled"], 1, is_alone=True)
        # Off that instruction, before an interrupt could make it the next one once more.
        await debugger.step(1)
        for _ in range(MOST_STEPS_TO_KERNEL):
            await debugger.step(0, holds_back=0)
            if await debugger.place(0) != place:
                break
        assert await debugger.place(0) >= UPPER_HALF, f"an event before {place:#x} interrupted nothing"
        await debugger.run_to(place, 0)
        assert await debugger.registers(0) == before, f"an event before {place:#x} changed registers"


async def sweep(debugger: Debugger, places: dict[str, int]) -> None:
    """An event at each instruction; then one where upcalls are masked and a second one at each that follows, so that
    there is something to find when they are unmasked."""
    steps = Round(debugger, places)
    await steps.begin()
    trace = await steps.trace()
    first = places["_count_up"]
    assert {first + 3 * number for number in range(9)} <= set(trace), "the critical range and its end"
    for index in range(len(trace)):
        await steps.begin()
        await steps.go_to(index, trace)
        await steps.cause_event()
    masked = trace.index(places["unmask"])
    await steps.begin()
    await steps.go_to(masked, trace)
    await steps.cause_event()
    longer = await steps.trace()
    assert places["_drain"] in longer
    for index in range(len(longer)):
        await steps.begin()
        await steps.go_to(masked, trace)
        await steps.cause_event()
        await steps.go_to(index, longer)
        await steps.cause_event()
    await debugger.write_word(places["_request"], OVER)


@pytest.mark.slow
async def test_an_event_at_each_instruction(start_guest: StartGuest) -> None:
    archive = build_archive(f"userspace.guest_tests.{PROGRAM}", PROGRAM)
    places = symbols(GUEST_TESTS / PROGRAM / "init.elf")
    async with start_guest(Machine(cpus=2, memory_mib=256, archive=archive, singlestep=True)) as guest:
        await guest.expect("test: plan 1", DEADLINE_SECONDS)
        async with attach_debugger(guest) as debugger:
            await sweep(debugger, places)
        await guest.expect(END, DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)
    check_report(guest.console.lines)
