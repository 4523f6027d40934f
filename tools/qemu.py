"""The one place where QEMU command lines are made.

Owns: the devices a guest gets, the port and the codes by which it ends QEMU, the search for the QEMU program.

Every machine is made from nothing (`-nodefaults -no-user-config`), so a guest sees what is written here and no more,
whatever the host's configuration. It has no network, and a reset ends it (`-no-reboot`).
"""

import re
import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tools.children import run_child
from tools.paths import BOOT_ARCHIVE, DIRECT_LOADER
from tools.setup import UEFI_FIRMWARE

PROGRAM = "qemu-system-x86_64"
# The oldest that the tests were made for: Ubuntu 22.04 has it.
OLDEST_VERSION = (6, 2)
# From here on -singlestep is an option of the accelerator, with another name.
SINGLESTEP_RENAMED = (8, 1)
UNKNOWN_VERSION = (0, 0)

# isa-debug-exit turns a value v written to its port into QEMU's exit status 2 * v + 1.
EXIT_PORT = 0xF4
EXIT_SUCCESS = 2 * 0x10 + 1
EXIT_FAILURE = 2 * 0x11 + 1
# How the kernel is told that the device is there.
EXIT_OPTION = "exit=debug"

# From here on the host need not have as much memory as the guest: pages that the guest never touches are never taken.
PRETENDED_MIB = 16384

ANSWER_SECONDS = 60

Medium = Literal["kernel", "disk", "cd", "usb", "usb1", "usb2", "virtio", "nvme"]
Firmware = Literal["bios", "uefi"]
Acceleration = Literal["tcg", "kvm"]

# How a medium is attached: what comes before the drive's device, and that device.
ATTACHMENTS: dict[str, tuple[tuple[str, ...], str]] = {
    "disk": ((), "ide-hd"),
    "cd": ((), "ide-cd"),
    "usb": (("-device", "qemu-xhci"), "usb-storage"),
    "usb1": (("-device", "piix3-usb-uhci"), "usb-storage"),
    "usb2": (("-device", "usb-ehci"), "usb-storage"),
    "virtio": ((), "virtio-blk-pci"),
    "nvme": ((), "nvme,serial=ringneck"),
}


class MissingQemu(Exception):
    """There is no QEMU of use on PATH; the text says what to do."""


@dataclass(frozen=True)
class Machine:
    """One guest: what its hardware is and what it boots.

    `medium` "kernel" is the direct door (`kernel` with `archive` and `command_line`); the others boot `image`, which
    brings its own command line and is never written to. `icount` makes one guest instruction one nanosecond of guest
    time, on one host thread, so that two runs are alike. With `singlestep` interrupts are looked for before each
    instruction, not just where a jump ends.
    """

    cpus: int = 4
    memory_mib: int = 256
    machine: str = "q35"
    cpu_model: str = "max"
    medium: Medium = "kernel"
    kernel: Path = DIRECT_LOADER
    archive: Path | None = BOOT_ARCHIVE
    command_line: str = ""
    image: Path | None = None
    firmware: Firmware = "bios"
    video: bool = False                 # a display adapter, for a framebuffer
    window: bool = False                # what it shows, on the desktop of whoever runs QEMU
    acceleration: Acceleration = "tcg"
    icount: bool = False
    singlestep: bool = False
    devices: tuple[str, ...] = ()

    def command(
        self, serial: str, monitor: str | None = None, debugger: bool = False, paused: bool = False
    ) -> list[str]:
        """The command line. `serial` is a character device ("stdio", "socket,path=..."), `monitor` the path of a
        socket to which QEMU connects for QMP; with `debugger` its standard input and output speak gdb's protocol;
        `paused` waits for either to let the guest run."""
        line = [find_qemu(), "-nodefaults", "-no-user-config", "-no-reboot", "-net", "none"]
        line += [] if self.window else ["-display", "none"]
        # Some hosts that are guests themselves abort when KVM asks for this register's value.
        model = f"{self.cpu_model},-arch-capabilities" if self.acceleration == "kvm" else self.cpu_model
        line += ["-machine", self.machine, "-cpu", model]
        line += ["-smp", str(self.cpus), "-m", f"{self.memory_mib}M"]
        if self.memory_mib >= PRETENDED_MIB:
            line += ["-object", f"memory-backend-ram,id=memory,size={self.memory_mib}M,reserve=off"]
            line += ["-machine", "memory-backend=memory"]
        line += self._acceleration() + self._boot()
        line += ["-chardev", f"{serial},id=serial0", "-serial", "chardev:serial0"]
        line += ["-device", f"isa-debug-exit,iobase={EXIT_PORT:#x},iosize=0x04"]
        if self.video:
            line += ["-device", "VGA"]
        for device in self.devices:
            line += ["-device", device]
        if monitor is not None:
            line += ["-qmp", f"unix:{monitor}"]
        if debugger:
            line += ["-gdb", "stdio"]
        if paused:
            line += ["-S"]
        return line

    def _acceleration(self) -> list[str]:
        if self.icount:
            return ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"]
        if self.acceleration == "kvm":
            return ["-accel", "kvm"]
        if not self.singlestep:
            return ["-accel", "tcg,thread=multi"]
        if read_version(find_qemu()) < SINGLESTEP_RENAMED:
            return ["-accel", "tcg,thread=multi", "-singlestep"]
        return ["-accel", "tcg,thread=multi,one-insn-per-tb=on"]

    def _boot(self) -> list[str]:
        if self.medium == "kernel":
            words = f"{EXIT_OPTION} {self.command_line}".rstrip()
            archive = ["-initrd", str(self.archive)] if self.archive else []
            return ["-kernel", str(self.kernel), *archive, "-append", words]
        before, device = ATTACHMENTS[self.medium]
        drive = f"file={_escape(self.image)},format=raw,if=none,id=disk0,snapshot=on"
        if self.medium == "cd":
            drive += ",media=cdrom"
        return [*self._firmware(), *before, "-drive", drive, "-device", f"{device},drive=disk0,bootindex=0"]

    def _firmware(self) -> list[str]:
        """Fresh variables each time: old ones hold boot entries of machines that are gone."""
        if self.firmware == "bios":
            return []
        code, variables = find_uefi_firmware()
        flash = "if=pflash,format=raw"
        return ["-drive", f"{flash},readonly=on,file={code}", "-drive", f"{flash},snapshot=on,file={variables}"]


@cache
def find_qemu() -> str:
    """The path of the QEMU program. Errors: MissingQemu, when there is none or only one that is too old."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise MissingQemu(f"{PROGRAM} is not on PATH: run `make setup`, which installs it or says how")
    version = read_version(found)
    if version < OLDEST_VERSION:
        shown = "version {}.{}".format(*version) if version != UNKNOWN_VERSION else "of no known version"
        raise MissingQemu(f"{found} is {shown}: QEMU {OLDEST_VERSION[0]}.{OLDEST_VERSION[1]} or newer is needed")
    return found


@cache
def read_version(program: str) -> tuple[int, int]:
    """What a QEMU says that it is, or UNKNOWN_VERSION."""
    told = run_child([program, "--version"], seconds=ANSWER_SECONDS).stdout
    version = re.search(r"version (\d+)\.(\d+)", told)
    return (int(version[1]), int(version[2])) if version else UNKNOWN_VERSION


def find_uefi_firmware() -> tuple[str, str]:
    """Program and variables of the UEFI firmware. Errors: MissingQemu."""
    for code, variables in UEFI_FIRMWARE:
        if Path(code).exists() and Path(variables).exists():
            return code, variables
    raise MissingQemu("there is no UEFI firmware for QEMU: install the package ovmf (edk2-ovmf on Fedora and Arch)")


def _escape(path: Path | None) -> str:
    """A path inside a QEMU option, where a comma is written twice."""
    return str(path).replace(",", ",,")
