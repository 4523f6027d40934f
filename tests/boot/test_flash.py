"""The flash tool: what it refuses, what it insists on, and that what it wrote is what was meant."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tools import flash
from tools.flash import Refused, Target

IMAGE_BYTES = (3 << 20) + 12345
STICK = Target(Path("/dev/sdz"), is_block_device=True, is_file=False, length=1 << 30, is_removable=True)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(os.urandom(IMAGE_BYTES))
    return path


@pytest.mark.parametrize("before", [0, 100, IMAGE_BYTES + 5000])
def test_a_file_holds_the_image_afterwards(image: Path, tmp_path: Path, before: int) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"\xff" * before)
    told = flash.flash({"DEVICE": str(target), "IMAGE": str(image)})
    assert "read back and is good" in told
    assert target.read_bytes() == image.read_bytes() + b"\xff" * max(0, before - IMAGE_BYTES)


def test_a_target_that_forgets_is_noticed(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "target"
    target.touch()

    def lose(descriptor: int, piece: bytes) -> None:
        os.write(descriptor, bytes([piece[0] ^ 1]) + piece[1:])

    monkeypatch.setattr(flash, "_write_all", lose)
    with pytest.raises(Refused, match="does not hold what was written"):
        flash.write_image(image, target)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (replace(STICK, length=IMAGE_BYTES - 1), "is too small: it has"),
        (replace(STICK, users=("mounted at /media/stick",)), r"is in use \(mounted at /media/stick\): unmount"),
        (replace(STICK, is_removable=False), "is not removable"),
        (replace(STICK, whole_disk="sdz"), "is a partition: name the whole device, DEVICE=/dev/sdz"),
        (replace(STICK, is_read_only=True), "is write-protected"),
        (Target(Path("/dev/null"), is_block_device=False, is_file=False), "is no block device and no regular file"),
    ],
)
def test_what_may_be_no_stick_is_refused(target: Target, words: str) -> None:
    with pytest.raises(Refused, match=words):
        flash.judge(target, IMAGE_BYTES, force=False)


def test_a_stick_and_a_file_are_accepted() -> None:
    flash.judge(STICK, IMAGE_BYTES, force=False)
    flash.judge(Target(Path("file"), is_block_device=False, is_file=True), IMAGE_BYTES, force=False)


def test_force_insists_on_all_that_could_be_right() -> None:
    disk = replace(STICK, is_removable=False, users=("mounted at /",), whole_disk="sdz")
    flash.judge(disk, IMAGE_BYTES, force=True)
    with pytest.raises(Refused, match="is too small"):
        flash.judge(replace(STICK, length=1), IMAGE_BYTES, force=True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "DEVICE is missing: make flash DEVICE="),
        ({"DEVICE": "/dev/nonesuch"}, "there is no /dev/nonesuch: name the whole device"),
        ({"DEVICE": "/dev/null", "IMAGE": "/nonesuch.img"}, "there is no /nonesuch.img: make usb builds"),
        ({"DEVICE": "/dev/null"}, "is no block device and no regular file"),
    ],
)
def test_wrong_settings_are_refused_in_words(image: Path, settings: dict[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        flash.flash({"IMAGE": str(image), **settings})


def make_system(root: Path, removable: str, mounts: str) -> Path:
    """A /sys and /proc with a disk sdz of one partition."""
    disk = root / "sys/devices/pci/usb1/sdz" if removable == "usb" else root / "sys/devices/pci/ata1/sdz"
    for folder in (disk / "sdz1", root / "sys/class/block", root / "proc/self"):
        folder.mkdir(parents=True)
    files = {disk / "removable": "0", disk / "size": "2097152", disk / "ro": "0", disk / "dev": "8:400"}
    files |= {disk / "sdz1/partition": "1", disk / "sdz1/dev": "8:401", disk / "sdz1/size": "1000"}
    files |= {root / "proc/self/mountinfo": mounts, root / "proc/swaps": "Filename Type\n"}
    for path, text in files.items():
        path.write_text(text + "\n")
    (root / "sys/class/block/sdz").symlink_to(disk)
    (root / "sys/class/block/sdz1").symlink_to(disk / "sdz1")
    return root


MOUNTED = "36 35 8:401 / /media/stick rw,noatime shared:1 - vfat /dev/sdz1 rw"
ELSEWHERE = "36 35 8:1 / / rw,noatime - ext4 /dev/sda1 rw"


def describe_disk(name: str, system: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """What is told of a device node that exists in `system` only."""
    node = system / name
    node.touch()
    real = Path.stat

    def pretend(path: Path, **options: bool) -> os.stat_result:
        found = list(real(path, **options))
        found[0] = stat.S_IFBLK if path == node else found[0]
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", pretend)
    return flash.describe(node, system)


def test_a_mounted_partition_counts_for_its_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = describe_disk("sdz", make_system(tmp_path, "usb", MOUNTED), monkeypatch)
    assert target.users == ("mounted at /media/stick",)
    assert target.length == 1 << 30 and target.is_removable and not target.whole_disk


def test_a_fixed_disk_is_known_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = describe_disk("sdz", make_system(tmp_path, "ata", ELSEWHERE), monkeypatch)
    assert not target.is_removable and target.users == ()


def test_a_partition_names_its_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = describe_disk("sdz1", make_system(tmp_path, "usb", ELSEWHERE), monkeypatch)
    assert target.whole_disk == "sdz" and target.is_removable
