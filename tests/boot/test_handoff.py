"""What each door promises, checked from inside by a kernel that does nothing else (handoff_kernel/)."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.boot.conftest import CD, HANDOFF_COMMAND_LINE, build_guest, limine_image
from tests.conftest import StartGuest
from tests.harness.protocol import END, check_report
from tools.qemu import Machine

DEADLINE_SECONDS = 60
CHECKS = 27


async def check_handoff(start_guest: StartGuest, machine: Machine) -> None:
    async with start_guest(machine) as guest:
        await guest.expect(END, DEADLINE_SECONDS)
        report = check_report(guest.console.lines)
        await guest.expect_success(DEADLINE_SECONDS)
    assert len(report.passed) == CHECKS


@pytest.mark.parametrize("video", [False, True], ids=["blind", "screen"])
@pytest.mark.parametrize("model", ["max", "qemu64", "qemu64,-nx"])
@pytest.mark.usefixtures("boot_files")
async def test_direct_door(start_guest: StartGuest, handoff_archive: Path, model: str, video: bool) -> None:
    machine = Machine(cpu_model=model, archive=handoff_archive, command_line=HANDOFF_COMMAND_LINE, video=video)
    await check_handoff(start_guest, machine)


@pytest.mark.parametrize("memory", [64, 4096])
async def test_bios_door(start_guest: StartGuest, handoff_images: Path, memory: int) -> None:
    machine = Machine(memory_mib=memory, medium="cd", image=handoff_images / CD, video=True)
    await check_handoff(start_guest, machine)


@pytest.mark.slow
@pytest.mark.parametrize("memory", [256, 4096])
async def test_uefi_door(start_guest: StartGuest, handoff_images: Path, memory: int) -> None:
    machine = Machine(memory_mib=memory, medium="cd", image=handoff_images / CD, firmware="uefi", video=True)
    await check_handoff(start_guest, machine)


async def test_limine_promises_the_same(start_guest: StartGuest, handoff_images: Path) -> None:
    machine = Machine(medium="cd", image=limine_image(handoff_images), video=True)
    await check_handoff(start_guest, machine)


async def test_a_processor_that_never_answers_is_left_out(start_guest: StartGuest, handoff_archive: Path) -> None:
    loader = build_guest("tests.boot.dead_processor.main", "loader", "dead-processor.elf")
    machine = Machine(cpus=2, kernel=loader, archive=handoff_archive, command_line=HANDOFF_COMMAND_LINE)
    async with start_guest(machine) as guest:
        await guest.expect("handoff: processors=0000000000000002", DEADLINE_SECONDS)
        await guest.expect_success(DEADLINE_SECONDS)


async def test_five_level_paging_is_left(start_guest: StartGuest, handoff_archive: Path) -> None:
    loader = build_guest("tests.boot.five_levels.main", "loader", "five-levels.elf")
    machine = Machine(cpu_model="max,la57=on", kernel=loader, archive=handoff_archive)
    await check_handoff(start_guest, replace(machine, command_line=HANDOFF_COMMAND_LINE))
