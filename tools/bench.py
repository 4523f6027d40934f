"""Guest instructions per operation, as a table beside the peers' and as build/bench.json.

    python -m tools.bench
    PROFILE=mint_close python -m tools.bench    only tells where the instructions of this row are spent

The benchmark program runs as the first process of a release kernel with every check on, on one CPU and on two, under
`-icount`, where the time stamp counter counts the instructions of all CPUs. A plugin built from
tools/instruction_counter.c tells user from kernel; where there is no C compiler these two stay null. PLOT=1 draws the
totals against the goals.
"""

import json
import os
import re
import statistics
import sys
from dataclasses import asdict, replace
from pathlib import Path

from elftools.elf.elffile import ELFFile

from compiler.driver import Build
from compiler.symbols import TypeSymbol
from tools.bench_boot import boot_rows, build_plugin
from tools.bench_peers import PEERS
from tools.bench_profile import profile
from tools.bench_rows import Row, run_to_end, timed_lines
from tools.build import KERNEL_PROGRAM, BuildFailed, Program, build_program, only_one_builder, write_archive
from tools.paths import BENCH, BENCH_ARCHIVE, BUILD, DIRECT_LOADER, INSTRUCTION_COUNTER, KERNEL, ROOT
from tools.qemu import Machine

PROGRAM = Program("userspace.benchmarks.main", "user", BUILD / "bench" / "init.elf")
LOADER = Program("boot.direct.main", "loader", DIRECT_LOADER)
LINE = re.compile(r"bench: (\w+) rounds=(\d+) per_round=(\d+) low=(\d+) median=(\d+) high=(\d+)")
BOOTS = 7


def main() -> int:
    try:
        _build()
    except BuildFailed as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    if row := os.environ.get("PROFILE"):
        return _profile(row)
    operations = [*_with_upcall(_count_operations(1)), *_with_scaling(_with_upcall(_count_operations(2)))]
    rows = [*operations, *_sizes(), _boot_time(), *boot_rows()]
    BENCH.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    print(_table(rows))
    print(f"written to {BENCH.relative_to(ROOT)}")
    return 0


def _build() -> None:
    PROGRAM.output.parent.mkdir(parents=True, exist_ok=True)
    with only_one_builder():
        for program in (KERNEL_PROGRAM, LOADER, PROGRAM):
            build_program(program, "release")
        write_archive(BENCH_ARCHIVE, (KERNEL, PROGRAM.output))


def _count_operations(cpus: int) -> list[Row]:
    counts = BUILD / "bench" / "counts.txt"
    counts.unlink(missing_ok=True)
    machine = Machine(cpus=cpus, cpu_model="qemu64", archive=BENCH_ARCHIVE, icount=True)
    command = machine.command("stdio")
    if build_plugin():
        command += ["-plugin", f"{INSTRUCTION_COUNTER},out={counts}"]
    output = run_to_end(command)
    if "bench: end" not in output:
        sys.exit(f"bench: the guest did not finish:\n{output}")
    return _rows(output, _split(counts), cpus)


def _profile(name: str) -> int:
    """Runs twice: where the row's samples lie among all is known from what the first run prints."""
    if not build_plugin():
        return 1
    counts, places = BUILD / "bench" / "counts.txt", BUILD / "bench" / "places.txt"
    machine = Machine(cpus=1, cpu_model="qemu64", archive=BENCH_ARCHIVE, icount=True)
    command = [*machine.command("stdio"), "-plugin", f"{INSTRUCTION_COUNTER},out={counts}"]
    found = list(LINE.finditer(run_to_end(command)))
    row = next((place for place, match in enumerate(found) if match[1] == name), None)
    if row is None:
        print(f"bench: no row {name}; there are {' '.join(match[1] for match in found)}", file=sys.stderr)
        return 1
    samples = len(_split(counts)) // len(found)
    command[-1] += f",profile={places},sample={row * samples + samples // 2}"
    _ = run_to_end(command)
    listing = BUILD / "bench" / f"{name}.txt"
    print(profile(places, (KERNEL, PROGRAM.output), int(found[row][2]) * int(found[row][3]), listing))
    print(f"beside source and disassembly in {listing.relative_to(ROOT)}")
    return 0


def _split(counts: Path) -> list[tuple[int, int]]:
    """User and kernel instructions of each sample, in the order in which they were taken."""
    if not counts.exists():
        return []
    return [(int(user), int(kernel)) for _, _, user, kernel in map(str.split, counts.read_text().splitlines())]


def _rows(output: str, split: list[tuple[int, int]], cpus: int = 1) -> list[Row]:
    """The loop around an operation is measured with an empty one, and taken off."""
    found = [(m[1], [int(number) for number in m.groups()[1:]]) for m in LINE.finditer(output)]
    samples = len(split) // len(found) if found else 0
    rows: list[Row] = []
    empty_total = empty_user = 0.0
    for place, (name, (rounds, per_round, low, median, high)) in enumerate(found):
        n = rounds * per_round
        mine = split[place * samples : (place + 1) * samples]
        user = statistics.median(u for u, _ in mine) / n if mine else None
        kernel = statistics.median(k for _, k in mine) / n if mine else None
        if name == "empty":
            empty_total, empty_user = median / 100, user or 0.0
            continue
        total = round(median / 100 - empty_total / per_round, 2)
        own = None if user is None else round(user - empty_user / per_round, 2)
        theirs = None if kernel is None else round(kernel, 2)
        rows.append(Row(name, cpus, own, theirs, total, "instructions", n, (high - low) / 100))
    return rows


def _with_upcall(rows: list[Row]) -> list[Row]:
    """An upcall costs what a no-op told by one costs more than a no-op that is waited for."""
    by_name = {row.name: row for row in rows}
    told, plain = by_name.pop("nop_by_upcall"), by_name["ring_nop_1"]

    def less(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else round(a - b, 2)

    row = replace(
        told, name="upcall", total=round(told.total - plain.total, 2), user=less(told.user, plain.user),
        kernel=less(told.kernel, plain.kernel),
    )  # fmt: skip
    return [*by_name.values(), row]


def _with_scaling(rows: list[Row]) -> list[Row]:
    """What a call costs when another pair calls on the other CPU, over what it costs when nobody does."""
    by_name = {row.name: row for row in rows}
    alone, beside = by_name.pop("pair_alone"), by_name.pop("pair_beside_another")
    ratio = round(beside.total / alone.total, 3)
    return [*by_name.values(), Row("pair_scaling_2", 2, None, None, ratio, "ratio", alone.n, beside.spread)]


def _sizes() -> list[Row]:
    with KERNEL.open("rb") as file:
        image = sum(s["p_filesz"] for s in ELFFile(file).iter_segments() if s["p_type"] == "PT_LOAD")
    job = Build(ROOT, "kernel.main")
    job.check()
    assert job.project is not None
    thread = job.project.modules["kernel.core.thread_block"].symbols["Thread"]
    assert isinstance(thread, TypeSymbol)
    return [
        Row("kernel_image_bytes", 0, None, None, image, "bytes", 1, 0),
        Row("thread_bytes", 0, None, None, thread.type.size, "bytes", 1, 0),
    ]


def _boot_time() -> Row:
    """Wall time from the start of QEMU to the first line of the first program, on one CPU."""
    command = Machine(cpus=1, cpu_model="qemu64", archive=BENCH_ARCHIVE).command("stdio")
    times = []
    for _ in range(BOOTS):
        first = next((now for now, line in timed_lines(command) if line.startswith("bench: ")), 0.0)
        if first == 0.0:
            sys.exit("bench: the guest did not boot")
        times.append(first)
    spread = round(max(times) - min(times), 1)
    return Row("boot_direct_ms", 1, None, None, round(statistics.median(times), 1), "ms", len(times), spread)


def _table(rows: list[Row]) -> str:
    lines = [f"{'operation':24}{'cpus':>5}{'user':>10}{'kernel':>10}{'total':>12} {'unit':13}{'goal':>9}  best peer"]
    for row in rows:
        # Goals and peers are about one CPU, but for what is about two.
        goal, peer = PEERS.get(row.name, (None, "")) if row.cpus < 2 or row.unit == "ratio" else (None, "")
        parts = [f"{'-' if x is None else format(x, '.1f'):>10}" for x in (row.user, row.kernel)]
        total = f"{row.total:>12.3f}" if row.unit == "ratio" else f"{row.total:>12.1f}"
        lines.append(
            f"{row.name:24}{row.cpus or '-':>5}{''.join(parts)}{total} {row.unit:13}"
            f"{'-' if goal is None else goal:>9}  {peer}"
        )
        if os.environ.get("PLOT") and goal:
            lines.append(f"{'':24}|{'#' * min(60, round(20 * row.total / goal))} ({row.total / goal:.2f} of the goal)")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
