"""Builds and boots Ringneck in QEMU, with the serial line on the terminal.

The environment holds what `make run CPUS=4 MEMORY=256M ARGS="..." DOOR=direct PROGRAM=name` was given; an empty
variable means the default. DOOR is bios or uefi (a CD with our own loader), limine (a CD with Limine) or direct (QEMU's
own loader); without it a CD with Limine where there is one, else with our own loader. ACCEL=kvm or ACCEL=tcg overrules
the choice between the two. Where there is a desktop, a window shows the screen.
Ctrl-C ends the guest, except where the shell runs, which gets it; there Ctrl-A X does.
Exit status: 0 when the guest reported success, else QEMU's own; 130 after Ctrl-C.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace

from tools.build import ARCHIVE_MEMBERS, BuildFailed, build_all
from tools.kvm import kvm_works
from tools.limine import MissingLimine
from tools.paths import KERNEL, RUN_IMAGE
from tools.qemu import EXIT_FAILURE, EXIT_OPTION, EXIT_SUCCESS, Acceleration, Machine, MissingQemu

DOORS = ("bios", "uefi", "limine", "direct")
SHELL = "init.shell"
INTERRUPTED = 130


class BadSetting(Exception):
    """A variable holds what cannot be used; the text says what would be right."""


def machine_from(settings: Mapping[str, str]) -> Machine:
    """The machine that the variables ask for. Errors: BadSetting."""
    machine = Machine() if settings.get("DOOR") == "direct" else Machine(medium="cd", image=RUN_IMAGE)
    if settings.get("DOOR") == "uefi":
        machine = replace(machine, firmware="uefi")
    if settings.get("CPUS"):
        machine = replace(machine, cpus=_read_cpus(settings["CPUS"]))
    if settings.get("MEMORY"):
        machine = replace(machine, memory_mib=_read_memory(settings["MEMORY"]))
    if settings.get("DOOR") and settings["DOOR"] not in DOORS:
        raise BadSetting(f"DOOR={settings['DOOR']} is no door: use one of {', '.join(DOORS)}")
    desktop = settings.get("DISPLAY") or settings.get("WAYLAND_DISPLAY")
    machine = replace(machine, video=True, window=bool(desktop))
    words = [settings["ARGS"]] if settings.get("ARGS") else []
    if program := settings.get("PROGRAM"):
        programs = [member.stem for member in ARCHIVE_MEMBERS if member != KERNEL]
        if program not in programs:
            raise BadSetting(f"PROGRAM={program} is no program of the image: use one of {', '.join(programs)}")
        # The shell needs the servers that init starts beside it.
        words.append(SHELL if program == "shell" else f"program={program}")
    if settings.get("ACCEL") not in (None, "", "kvm", "tcg"):
        raise BadSetting(f"ACCEL={settings['ACCEL']} is no acceleration: use kvm or tcg")
    return replace(machine, command_line=" ".join(words))


def prepare(machine: Machine, settings: Mapping[str, str]) -> None:
    """Builds what the machine boots; an image carries the command line. The loader is Limine where there is one.
    Errors: BuildFailed, MissingLimine, OSError."""
    if machine.image is None:
        build_all()
        return
    # Imported here because the direct door has no use for it.
    from tools.image import write_iso

    loaders = {"bios": "own", "uefi": "own", "limine": "limine"}
    loader = loaders.get(settings.get("DOOR", ""), settings.get("LOADER", ""))
    words = f"{EXIT_OPTION} {machine.command_line}".rstrip()
    write_iso({**settings, "LOADER": loader, "ARGS": words}, machine.image)


def acceleration_from(settings: Mapping[str, str]) -> Acceleration:
    """KVM where it was seen to work, unless ACCEL names the one to use."""
    match settings.get("ACCEL"):
        case "kvm":
            return "kvm"
        case "tcg":
            return "tcg"
    return "kvm" if kvm_works() else "tcg"


def has_shell(machine: Machine) -> bool:
    return SHELL in machine.command_line.split()


def terminal_for(machine: Machine) -> str:
    """The character device of the serial line. A shell gets Ctrl-C; QEMU then takes commands behind Ctrl-A."""
    return "stdio,mux=on,signal=off" if has_shell(machine) else "stdio,signal=on"


def run(machine: Machine) -> int:
    """Boots the machine on this terminal and waits for its end. Returns the exit status for the shell."""
    interrupted = False

    def note_interrupt(_signal: int, _frame: object) -> None:
        nonlocal interrupted
        interrupted = True

    if has_shell(machine):
        print("run: Ctrl-C goes to the shell; its `exit` ends the guest, and so does Ctrl-A X", file=sys.stderr)
    # Ctrl-C reaches QEMU by itself, as one of the terminal's processes, and ends it: here it is only noted.
    signal.signal(signal.SIGINT, note_interrupt)
    guest = subprocess.Popen(machine.command(serial=terminal_for(machine)))
    try:
        status = guest.wait()
    finally:
        guest.kill()
        guest.wait()
    if interrupted:
        return INTERRUPTED
    if status == EXIT_SUCCESS:
        return 0
    ends = {0: "powered off or reset the machine", EXIT_FAILURE: "reported failure"}
    what = ends.get(status, f"ended QEMU with status {status}")
    print(f"\nrun: the guest {what}; one that succeeds ends QEMU with status {EXIT_SUCCESS}", file=sys.stderr)
    return status if status >= 0 else 128 - status


def _read_cpus(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 255:
        raise BadSetting(f"CPUS={text} is not a number of CPUs: use 1 to 255")
    return int(text)


def _read_memory(text: str) -> int:
    """Mebibytes of "256", "256M", "256MiB", "4G" or "4GiB"."""
    match = re.fullmatch(r"(\d+)(?:(M|G)(?:iB)?)?", text)
    if match is None or int(match[1]) == 0:
        raise BadSetting(f"MEMORY={text} is not an amount of memory: use for instance 256M or 4G")
    return int(match[1]) * (1024 if match[2] == "G" else 1)


def main() -> int:
    try:
        machine = machine_from(os.environ)
        prepare(machine, os.environ)
        return run(replace(machine, acceleration=acceleration_from(os.environ)))
    except (BadSetting, MissingQemu, MissingLimine, BuildFailed) as error:
        print(f"run: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
