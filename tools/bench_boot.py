"""How long a boot takes through each door: wall time to the kernel's first line and to the end of the boot, and the
guest instructions in between."""

import os
import shutil
import statistics
import sys
from dataclasses import replace
from functools import cache

from tools.bench_rows import Row, run_to_end, timed_lines
from tools.children import run_child
from tools.image import write_iso
from tools.limine import find_limine
from tools.paths import BUILD, INSTRUCTION_COUNTER, ROOT
from tools.qemu import EXIT_OPTION, Machine

BOOTS = 3
FIRST_LINE, LAST_LINE = "boot: the kernel begins", "boot: ok"
IMAGE, LIMINE_IMAGE = BUILD / "bench" / "boot.iso", BUILD / "bench" / "limine.iso"
WORDS = f"{EXIT_OPTION} log=info"
COUNTS = BUILD / "bench" / "boot-counts.txt"
ONE_CPU = Machine(cpus=1, cpu_model="qemu64")


@cache
def build_plugin() -> bool:
    """Whether there is a plugin that counts; it needs a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        print("bench: no C compiler, so user and kernel are not told apart (install gcc)", file=sys.stderr)
        return False
    INSTRUCTION_COUNTER.parent.mkdir(parents=True, exist_ok=True)
    source = ROOT / "tools" / "instruction_counter.c"
    run_child([compiler, "-O2", "-shared", "-fPIC", "-o", INSTRUCTION_COUNTER, source], check=True, capture=False)
    return True


def _machines() -> dict[str, Machine]:
    """By door; Limine where it is at hand."""
    write_iso({"LOADER": "own", "ARGS": WORDS}, IMAGE)
    machines = {
        "direct": replace(ONE_CPU, command_line="log=info"),
        "bios": replace(ONE_CPU, medium="cd", image=IMAGE),
        "uefi": replace(ONE_CPU, medium="cd", image=IMAGE, firmware="uefi"),
    }
    folder = os.environ.get("LIMINE_DIR", "")
    if find_limine(folder) is None:
        print("bench: no Limine, so its doors are left out (install limine or set LIMINE_DIR)", file=sys.stderr)
        return machines
    write_iso({"LOADER": "limine", "LIMINE_DIR": folder, "ARGS": WORDS}, LIMINE_IMAGE)
    return machines | {
        "limine_bios": replace(ONE_CPU, medium="cd", image=LIMINE_IMAGE),
        "limine_uefi": replace(ONE_CPU, medium="cd", image=LIMINE_IMAGE, firmware="uefi"),
    }


def boot_rows() -> list[Row]:
    has_plugin = build_plugin()
    rows = []
    for door, machine in _machines().items():
        times = [_time_boot(machine) for _ in range(BOOTS)]
        for place, what in enumerate(("first_line", "end")):
            samples = [pair[place] for pair in times]
            spread = round(max(samples) - min(samples), 1)
            middle = round(statistics.median(samples), 1)
            rows.append(Row(f"{door}_{what}_ms", 1, None, None, middle, "ms", BOOTS, spread))
        if has_plugin:
            rows.append(Row(f"{door}_boot", 1, None, None, _count_boot(machine), "instructions", 1, 0))
    return rows


def _time_boot(machine: Machine) -> tuple[float, float]:
    """Milliseconds from the start of QEMU to the first and the last line of the kernel's boot."""
    first = 0.0
    for now, line in timed_lines(machine.command("stdio")):
        if FIRST_LINE in line:
            first = now
        elif line.startswith(LAST_LINE):
            return first, now
    sys.exit("bench: a guest did not boot")


def _count_boot(machine: Machine) -> int:
    _ = run_to_end([*machine.command("stdio"), "-plugin", f"{INSTRUCTION_COUNTER},out={COUNTS}"])
    number, user, kernel = (int(word) for word in COUNTS.read_text().splitlines()[0].split()[1:])
    assert number == 1
    return user + kernel
