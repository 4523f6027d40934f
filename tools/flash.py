"""Writes the USB image to a stick, shows progress, and reads it back: `make flash DEVICE=/dev/sdX`.

A device that is mounted, not removable or no block device is refused unless FORCE=1; one that is too small always.
A regular file that exists is accepted as a target. IMAGE names another image than build/ringneck.img.
"""

import fcntl
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tools.paths import ROOT, USB_IMAGE

PIECE = 1 << 20
BLKFLSBUF = 0x1261                      # ioctl: forget the device's buffers, so that reading back asks the device
BAR_WIDTH = 40


class Refused(Exception):
    """The target is not written to; the text says why, and what would be right."""


@dataclass(frozen=True)
class Target:
    """What is known of a target before anything is written."""

    path: Path
    is_block_device: bool
    is_file: bool
    length: int = 0                     # of a block device
    whole_disk: str = ""                # the disk that this is a partition of
    is_read_only: bool = False
    is_removable: bool = False
    users: tuple[str, ...] = ()         # mount points and the like that hold it


def describe(path: Path, system: Path = Path("/")) -> Target:
    """Gathers the facts. `system` is the root below which /proc and /sys are read. Errors: Refused."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        hint = "name the whole device, as in DEVICE=/dev/sdX; a file to write to must exist already"
        raise Refused(f"there is no {path}: {hint}") from None
    if not stat.S_ISBLK(mode):
        return Target(path, False, stat.S_ISREG(mode), users=tuple(_loop_users(path, system)))
    name = path.resolve().name
    home = (system / "sys/class/block" / name).resolve()
    is_partition = (home / "partition").exists()
    disk = home.parent if is_partition else home
    return Target(
        path,
        True,
        False,
        length=int(_read(home / "size") or "0") * 512,
        whole_disk=disk.name if is_partition else "",
        is_read_only=_read(home / "ro") == "1",
        is_removable=_read(disk / "removable") == "1" or "/usb" in str(disk),
        users=tuple(_device_users(name, home, system)),
    )


def judge(target: Target, image_length: int, force: bool) -> None:
    """Errors: Refused, with the first reason against writing to the target."""
    path = target.path
    if target.is_block_device and target.length < image_length:
        raise Refused(f"{path} is too small: it has {target.length} bytes, the image {image_length}")
    if target.is_read_only:
        raise Refused(f"{path} is write-protected: open its switch or use another stick")
    if force:
        return
    again = "or say FORCE=1 to write all the same"
    if not target.is_block_device and not target.is_file:
        raise Refused(f"{path} is no block device and no regular file: name a device like /dev/sdX, {again}")
    if target.users:
        raise Refused(f"{path} is in use ({', '.join(target.users)}): unmount it first, {again}")
    if target.whole_disk:
        raise Refused(f"{path} is a partition: name the whole device, DEVICE=/dev/{target.whole_disk}, {again}")
    if target.is_block_device and not target.is_removable:
        raise Refused(f"{path} is not removable, it may be this machine's own disk: name a stick, {again}")


def write_image(image: Path, path: Path) -> None:
    """Writes and reads back. Errors: OSError; Refused when what is read differs."""
    length = image.stat().st_size
    with image.open("rb") as source, path.open("r+b", buffering=0) as target:
        for piece in _with_progress("writing", _pieces(source, length), length):
            _write_all(target.fileno(), piece)
        os.fsync(target.fileno())
        os.posix_fadvise(target.fileno(), 0, length, os.POSIX_FADV_DONTNEED)
        if stat.S_ISBLK(path.stat().st_mode):
            fcntl.ioctl(target, BLKFLSBUF)
    with image.open("rb") as source, path.open("rb", buffering=0) as target:
        position = 0
        for piece in _with_progress("checking", _pieces(source, length), length):
            if _read_all(target.fileno(), len(piece)) != piece:
                raise Refused(f"{path} does not hold what was written, first in the MiB at {position}: it is damaged")
            position += len(piece)


def _pieces(source: BinaryIO, length: int) -> Iterator[bytes]:
    for _ in range(0, length, PIECE):
        yield source.read(PIECE)


def _write_all(descriptor: int, piece: bytes) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


def _read_all(descriptor: int, length: int) -> bytes:
    content = b""
    while len(content) < length and (more := os.read(descriptor, length - len(content))):
        content += more
    return content


def _with_progress(verb: str, pieces: Iterator[bytes], length: int) -> Iterator[bytes]:
    """Passes the pieces on and draws a bar; on something that is no terminal, one line at the end."""
    done = 0
    for piece in pieces:
        yield piece
        done += len(piece)
        if sys.stderr.isatty():
            bar = "#" * (BAR_WIDTH * done // length)
            print(f"\r{verb:>9} [{bar:{BAR_WIDTH}}] {100 * done // length:3}%", end="", file=sys.stderr, flush=True)
    print("" if sys.stderr.isatty() else f"{verb}: {done} bytes", file=sys.stderr)


def _device_users(name: str, home: Path, system: Path) -> Iterator[str]:
    """Mount points, swap and stacked devices on the device or on one of its partitions."""
    names = {name, *(child.name for child in home.glob("*") if (child / "partition").exists())}
    numbers = {_read(system / "sys/class/block" / part / "dev") for part in names}
    for line in _read(system / "proc/self/mountinfo").splitlines():
        front, _, back = line.partition(" - ")
        _, _, number, _, place, *_ = front.split()
        source = back.split()[1]
        if number in numbers or (source.startswith("/dev/") and Path(os.path.realpath(source)).name in names):
            yield f"mounted at {place}"
    for line in _read(system / "proc/swaps").splitlines()[1:]:
        if Path(line.split()[0]).name in names:
            yield "swap"
    for part in sorted(names):
        holders = system / "sys/class/block" / part / "holders"
        yield from (f"used by {holder.name}" for holder in (holders.iterdir() if holders.is_dir() else ()))


def _loop_users(path: Path, system: Path) -> Iterator[str]:
    for backing in (system / "sys/block").glob("loop*/loop/backing_file"):
        if _read(backing) == str(path.resolve()):
            yield f"behind /dev/{backing.parent.parent.name}"


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def flash(settings: Mapping[str, str]) -> str:
    """Does what the settings ask. Returns what to say at the end. Errors: Refused, OSError."""
    if not settings.get("DEVICE"):
        raise Refused("DEVICE is missing: make flash DEVICE=/dev/sdX (lsblk lists the devices)")
    image = Path(settings.get("IMAGE") or USB_IMAGE)
    if not image.is_file():
        raise Refused(f"there is no {image}: make usb builds {USB_IMAGE.relative_to(ROOT)}")
    target = describe(Path(settings["DEVICE"]))
    judge(target, image.stat().st_size, settings.get("FORCE") == "1")
    write_image(image, target.path)
    return f"{target.path} holds {image.name}; it was read back and is good"


def main() -> int:
    try:
        print(flash(os.environ))
    except (Refused, OSError) as error:
        print(f"flash: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nflash: stopped; the target holds part of the image", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
