"""Each door in a guest: the same summary, and the same first program, whatever brought the kernel there."""

import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import cast

import pytest

from tests.boot.conftest import CD, DISK, limine_image
from tests.boot.pairwise import choose_rows, pairs_of
from tests.conftest import StartGuest
from tests.harness.protocol import END
from tools.qemu import Firmware, Machine, Medium

BIOS_SECONDS = 30
UEFI_SECONDS = 90


async def check_boot(start_guest: StartGuest, machine: Machine, door: str, seconds: int) -> None:
    async with start_guest(machine) as guest:
        await guest.expect(f"boot: ok cpus={machine.cpus} memory={machine.memory_mib}MiB door={door}", seconds)
        await guest.expect(END, seconds)
        await guest.expect_success(seconds)


def image_for(images: Path, medium: Medium) -> Path:
    """The disk image for disks; the CD image, which is a disk as well, for all else."""
    return images / (DISK if medium in ("disk", "virtio", "nvme") else CD)


@pytest.mark.parametrize("cpus", [1, 2, 4, 8])
@pytest.mark.parametrize("board", ["q35", "pc"])
@pytest.mark.usefixtures("boot_files")
async def test_direct_door(start_guest: StartGuest, board: str, cpus: int) -> None:
    await check_boot(start_guest, Machine(cpus=cpus, machine=board), "direct", BIOS_SECONDS)


@pytest.mark.parametrize("medium", ["cd", "usb", "disk", "virtio"])
async def test_bios_door(start_guest: StartGuest, images: Path, medium: Medium) -> None:
    machine = Machine(cpus=4, medium=medium, image=image_for(images, medium), video=True)
    await check_boot(start_guest, machine, "bios", BIOS_SECONDS)


@pytest.mark.parametrize("medium", ["disk", "usb"])
async def test_either_image_starts_as_a_disk(
    start_guest: StartGuest, images: Path, medium: Medium
) -> None:
    for name in (CD, DISK):
        machine = Machine(cpus=2, machine="pc", medium=medium, image=images / name)
        await check_boot(start_guest, machine, "bios", BIOS_SECONDS)


@pytest.mark.long
async def test_a_bios_that_fails_at_long_reads(start_guest: StartGuest, images: Path) -> None:
    """QEMU's BIOS reads single sectors only from a stick on the oldest controller."""
    machine = Machine(cpus=2, machine="pc", medium="usb1", image=images / DISK)
    await check_boot(start_guest, machine, "bios", UEFI_SECONDS)


@pytest.mark.slow
@pytest.mark.parametrize("medium", ["cd", "usb", "virtio"])
async def test_uefi_door(start_guest: StartGuest, images: Path, medium: Medium) -> None:
    image = image_for(images, medium)
    machine = Machine(cpus=4, medium=medium, image=image, firmware="uefi", video=True)
    await check_boot(start_guest, machine, "uefi", UEFI_SECONDS)


@pytest.mark.parametrize("medium", ["cd", "usb"])
@pytest.mark.parametrize("firmware", ["bios", pytest.param("uefi", marks=pytest.mark.slow)])
async def test_limine_door(start_guest: StartGuest, images: Path, firmware: Firmware, medium: Medium) -> None:
    image = limine_image(images)
    if (firmware, medium) == ("bios", "usb") and shutil.which("limine") is None:
        pytest.skip("Limine's own program is not on PATH: it makes an image start from a stick under BIOS")
    machine = Machine(cpus=4, medium=medium, image=image, firmware=firmware, video=True)
    await check_boot(start_guest, machine, "limine", UEFI_SECONDS)


AXES = {
    "door": (
        "direct",
        *(f"bios {medium}" for medium in ("cd", "usb", "usb2", "disk", "virtio", "nvme")),
        *(f"uefi {medium}" for medium in ("cd", "usb", "virtio", "nvme")),
        *("limine-bios cd", "limine-uefi cd", "limine-uefi usb"),
    ),
    "cpus": ("1", "2", "4", "8"),
    "board": ("q35", "pc"),
    "memory": ("64", "256", "4096", "8192"),
    "model": ("qemu64", "Nehalem", "max", "max,-smap,-smep"),
}
UEFI_LEAST_MIB = 128                    # the firmware itself does not start with less


@pytest.mark.long
@pytest.mark.parametrize("row", choose_rows(AXES), ids=lambda row: "-".join(row.values()).replace(" ", "-"))
@pytest.mark.usefixtures("boot_files")
async def test_pairs(start_guest: StartGuest, images: Path, row: dict[str, str]) -> None:
    door, _, medium = row["door"].partition(" ")
    machine = Machine(
        cpus=int(row["cpus"]), machine=row["board"], memory_mib=int(row["memory"]), cpu_model=row["model"]
    )
    if medium:
        image = limine_image(images) if door.startswith("limine") else image_for(images, cast(Medium, medium))
        machine = replace(machine, medium=cast(Medium, medium), image=image)
    if door.endswith("uefi"):
        machine = replace(machine, firmware="uefi", memory_mib=max(machine.memory_mib, UEFI_LEAST_MIB))
    await check_boot(start_guest, machine, door.partition("-")[0], UEFI_SECONDS)


@pytest.mark.long
@pytest.mark.usefixtures("boot_files")
async def test_thirty_two_processors(start_guest: StartGuest) -> None:
    await check_boot(start_guest, Machine(cpus=32, memory_mib=1024), "direct", UEFI_SECONDS)


def test_chosen_rows_hold_every_pair() -> None:
    every = {(a, b) for first, second in combinations(sorted(AXES), 2) for a in AXES[first] for b in AXES[second]}
    assert {(a, b) for row in choose_rows(AXES) for (_, a), (_, b) in pairs_of(row)} == every
    assert len(choose_rows(AXES)) <= 60
