"""What the loader says when it cannot go on: each bad input is named in words, and the machine stops."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from boot.bios import facts
from boot.limine import protocol
from tests.boot.conftest import CD, make_images
from tests.boot.screen import read_text
from tests.boot.test_archive import pack
from tests.conftest import StartGuest
from tests.harness.failures import GuestPanic
from tools.fat import make_volume
from tools.iso import make_cd
from tools.paths import BOOT_ARCHIVE, KERNEL
from tools.qemu import Machine

DEADLINE_SECONDS = 60
NEVER = re.compile("boot: .*")


async def check_refusal(start_guest: StartGuest, machine: Machine, words: str) -> None:
    with pytest.raises(GuestPanic, match=re.escape(words)):
        async with start_guest(machine) as guest:
            await guest.expect(NEVER, DEADLINE_SECONDS)


def with_revision(kernel: bytes, revision: int) -> bytes:
    """The kernel file asking for another base revision."""
    magic = protocol.BASE_REVISION_MAGIC_0.to_bytes(8, "little") + protocol.BASE_REVISION_MAGIC_1.to_bytes(8, "little")
    start = kernel.rindex(magic) + len(magic)
    return kernel[:start] + revision.to_bytes(8, "little") + kernel[start + 8 :]


@pytest.mark.usefixtures("boot_files")
async def test_a_missing_archive(start_guest: StartGuest) -> None:
    await check_refusal(start_guest, Machine(archive=None), "there is no boot archive: give QEMU -initrd")


@pytest.mark.usefixtures("boot_files")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nothing" * 1000, "boot archive: a member header has no ustar mark"),
        (pack({}), "boot archive: it is empty; kernel.elf must be its first member"),
        (pack({"kernel.elf": b"#!/bin/sh\n" * 100}), "kernel: not an ELF file"),
    ],
    ids=["noise", "empty", "script"],
)
async def test_an_archive_without_kernel(start_guest: StartGuest, tmp_path: Path, content: bytes, words: str) -> None:
    archive = tmp_path / "boot.tar"
    archive.write_bytes(content)
    await check_refusal(start_guest, Machine(archive=archive), words)


@pytest.mark.usefixtures("boot_files")
async def test_an_archive_cut_short(start_guest: StartGuest, tmp_path: Path) -> None:
    archive = tmp_path / "boot.tar"
    archive.write_bytes(BOOT_ARCHIVE.read_bytes()[: KERNEL.stat().st_size // 2])
    await check_refusal(start_guest, Machine(archive=archive), "boot archive: it is cut short inside a member")


@pytest.mark.usefixtures("boot_files")
@pytest.mark.parametrize("revision", [0, 2])
async def test_a_kernel_of_an_older_revision(start_guest: StartGuest, tmp_path: Path, revision: int) -> None:
    archive = tmp_path / "boot.tar"
    archive.write_bytes(pack({"kernel.elf": with_revision(KERNEL.read_bytes(), revision)}))
    await check_refusal(start_guest, Machine(archive=archive), "it asks for a Limine base revision older than 3")


@pytest.mark.usefixtures("boot_files")
async def test_a_command_line_that_is_too_long(start_guest: StartGuest) -> None:
    machine = Machine(command_line="x" * 3000)
    await check_refusal(start_guest, machine, "the kernel command line is longer than 2048 bytes")


@pytest.mark.usefixtures("boot_files")
async def test_a_processor_without_64_bits(start_guest: StartGuest, images: Path) -> None:
    machine = Machine(cpus=1, cpu_model="qemu32", machine="pc")
    await check_refusal(start_guest, machine, "this processor has no 64-bit mode")
    machine = replace(machine, medium="cd", image=images / CD)
    await check_refusal(start_guest, machine, "this processor has no 64-bit mode")


async def test_the_screen_tells_it_in_graphics_too(start_guest: StartGuest, tmp_path: Path) -> None:
    archive = tmp_path / "boot.tar"
    archive.write_bytes(pack({"kernel.elf": b"#!/bin/sh\n" * 100}))
    folder = make_images(tmp_path / "images", "", str(archive))
    async with start_guest(Machine(medium="cd", image=folder / CD, video=True)) as guest:
        with pytest.raises(GuestPanic):
            await guest.expect(NEVER, DEADLINE_SECONDS)
        font = tmp_path / "font"
        await guest.monitor.execute("pmemsave", val=facts.FONT_BASE, size=facts.FONT_WORDS * 2, filename=str(font))
        rows = read_text(await guest.take_screenshot(), font.read_bytes())
    assert "loader: error: kernel: not an ELF file" in rows


@pytest.mark.slow
async def test_a_volume_without_archive(start_guest: StartGuest, images: Path, tmp_path: Path) -> None:
    application = extract_application((images / CD).read_bytes())
    volume = make_volume({"EFI/BOOT/BOOTX64.EFI": application}, "EMPTY")
    image = tmp_path / "empty.iso"
    image.write_bytes(make_cd({"a.bin": bytes(2048), "efi.img": volume}, "EMPTY", "a.bin", "efi.img").content)
    machine = Machine(medium="cd", image=image, firmware="uefi")
    await check_refusal(start_guest, machine, r"this file is missing on the boot volume: \boot\boot.tar")


def extract_application(image: bytes) -> bytes:
    """The UEFI application inside an image: a PE file begins with MZ on a sector and is contiguous."""
    start = next(at for at in range(0, len(image), 512) if image[at : at + 2] == b"MZ" and image[at + 0x3C : at + 0x40])
    return image[start : start + (256 << 10)]
