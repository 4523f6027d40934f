"""Each door in a guest: the same summary, and the same first program, whatever brought the kernel there."""

import shutil
from pathlib import Path

import pytest

from tests.boot.conftest import CD, DISK, limine_image
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
    return images / (DISK if medium in ("disk", "virtio") else CD)


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


MODELS = ("qemu64", "Nehalem", "max", "max,-smap,-smep")
DIRECT_SHAPES = [(model, memory) for model in MODELS for memory in (64, 256, 4096, 8192)]


@pytest.mark.long
@pytest.mark.parametrize(("model", "memory"), DIRECT_SHAPES)
@pytest.mark.usefixtures("boot_files")
async def test_direct_door_on_many_machines(start_guest: StartGuest, model: str, memory: int) -> None:
    machine = Machine(cpus=2, cpu_model=model, memory_mib=memory)
    await check_boot(start_guest, machine, "direct", BIOS_SECONDS)


@pytest.mark.long
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
@pytest.mark.parametrize("memory", [64, 4096, 8192])
@pytest.mark.parametrize("board", ["q35", "pc"])
async def test_images_on_many_machines(
    start_guest: StartGuest, images: Path, firmware: Firmware, memory: int, board: str
) -> None:
    if firmware == "uefi" and memory == 64:
        memory = 128                    # the firmware itself does not start with less
    machine = Machine(cpus=8, machine=board, memory_mib=memory, medium="cd", image=images / CD, firmware=firmware)
    await check_boot(start_guest, machine, firmware, UEFI_SECONDS)
