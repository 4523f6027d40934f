"""How long a boot takes through each door: wall time to the kernel's first line and to the end of the boot, and the
guest instructions in between."""

import shutil
import statistics
import sys

from tools.bench_rows import Row, run_to_end, timed_lines
from tools.children import run_child
from tools.image import write_iso
from tools.paths import BUILD, INSTRUCTION_COUNTER, ROOT
from tools.qemu import EXIT_OPTION, Machine

BOOTS = 3
FIRST_LINE, LAST_LINE = "boot: the kernel begins", "boot: ok"
IMAGE = BUILD / "bench" / "boot.iso"
COUNTS = BUILD / "bench" / "boot-counts.txt"
MACHINES = {
    "direct": Machine(cpus=1, cpu_model="qemu64", command_line="log=info"),
    "bios": Machine(cpus=1, cpu_model="qemu64", medium="cd", image=IMAGE),
    "uefi": Machine(cpus=1, cpu_model="qemu64", medium="cd", image=IMAGE, firmware="uefi"),
}


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


def boot_rows() -> list[Row]:
    write_iso({"LOADER": "own", "ARGS": f"{EXIT_OPTION} log=info"}, IMAGE)
    has_plugin = build_plugin()
    rows = []
    for door, machine in MACHINES.items():
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
