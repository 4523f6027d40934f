"""The compiler's own benchmark: how fast its code runs, how long it takes, how large its code is.

    python -m tools.bench_compiler          `make bench-compiler`

Each program of tests/compiler/bench exists in our language and in C, some for Numba too. All are built for plain
x86_64, loaded into this process and run in turn, round after round, so that whatever disturbs the machine disturbs all
alike. A program's time is the median of its rounds; R is the geometric mean over the programs of our time over that of
gcc -O2.
Writes build/bench-compiler.json and ends with one line:
bench-compiler: unchecked=R checked=R cold_s=S warm_s=S
"""

from __future__ import annotations

import ctypes
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from compiler.driver import Build
from compiler.emit import EmitOptions, emit_program
from compiler.target import generate_object
from tools import bench_numba
from tools.bench_program import ENTRY, write_program
from tools.object_size import code_bytes
from tools.paths import BENCH_COMPILER, BUILD, ROOT

SOURCES = ROOT / "tests" / "compiler" / "bench"
PACKAGE = "tests.compiler.bench"
# What each program is called with: some hundredths of a second.
SIZES = {
    "aes": 60000,
    "crc32": 500,
    "fannkuch": 9,
    "list_walk": 10_000,
    "mandelbrot": 300,
    "matrix": 10,
    "permute": 10,
    "queens": 11,
    "quicksort": 20,
    "sha256": 600,
    "sieve": 200,
    "string_scan": 400,
    "sudoku": 100,
    "towers": 22,
    "xorshift": 10_000_000,
}
ROUNDS = 9
SIZED = ("checked", "unchecked")
PLAIN_PROCESSOR = "x86-64"
LARGE_PROGRAM_LINES = 20_000

Runner = Callable[[int], int]


@dataclass
class Measured:
    """One program in all its variants: seconds by variant, and bytes of code."""

    name: str
    seconds: dict[str, float] = field(default_factory=dict)
    compile_seconds: dict[str, float] = field(default_factory=dict)
    code: dict[str, int] = field(default_factory=dict)


class WrongResult(Exception):
    """Two variants of a program disagree."""


def main() -> int:
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
    if "gcc" not in compilers:
        print("bench-compiler: there is no gcc to compare with: apt-get install gcc", file=sys.stderr)
        return 2
    BUILD.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        try:
            programs = [measure(name, compilers, Path(folder)) for name in sorted(SIZES)]
        except WrongResult as wrong:
            print(f"bench-compiler: {wrong}", file=sys.stderr)
            return 1
        large = time_large_program(Path(folder) / "large")
    report(programs, large)
    return 0


def measure(name: str, compilers: list[str], folder: Path) -> Measured:
    """Builds and runs all variants of one program. Errors: WrongResult."""
    found = Measured(name)
    runners = {f"{compiler} -O2": _c_program(name, compiler, folder, found) for compiler in compilers}
    runners["checked"] = _our_program(name, True, folder, found)
    runners["unchecked"] = _our_program(name, False, folder, found)
    by_numba = bench_numba.compiled(name)
    if by_numba is not None:
        runners["numba"] = by_numba
    results = {variant: run(SIZES[name]) for variant, run in runners.items()}
    if len(set(results.values())) != 1:
        raise WrongResult(f"{name} gives {results}")
    rounds: dict[str, list[float]] = {variant: [] for variant in runners}
    for _ in range(ROUNDS):
        for variant, run in runners.items():
            start = time.thread_time()
            run(SIZES[name])
            rounds[variant].append(time.thread_time() - start)
    found.seconds = {variant: statistics.median(times) for variant, times in rounds.items()}
    _measure_code(name, folder, found)
    return found


def _c_program(name: str, compiler: str, folder: Path, found: Measured) -> Runner:
    library = folder / f"{name}-{compiler}.so"
    start = time.perf_counter()
    words = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCES / f"{name}.c")]
    subprocess.run(words, check=True, timeout=60)
    found.compile_seconds[compiler] = time.perf_counter() - start
    return _load(library, "run")


def _our_program(name: str, checked: bool, folder: Path, found: Measured) -> Runner:
    stem = folder / f"{name}-{'checked' if checked else 'unchecked'}"
    start = time.perf_counter()
    stem.with_suffix(".o").write_bytes(_compile(name, checked=checked))
    if checked:
        found.compile_seconds["ours"] = time.perf_counter() - start
    # Linked and loaded like the C programs: where code and data lie makes a difference.
    words = ["gcc", "-shared", "-Wl,-Bsymbolic", "-o", f"{stem}.so", f"{stem}.o"]
    subprocess.run(words, check=True, timeout=60)
    return _load(stem.with_suffix(".so"), f"{PACKAGE}.{name}.run")


def _compile(name: str, *, checked: bool = True, small: bool = False) -> bytes:
    job = Build(ROOT, f"{PACKAGE}.{name}", "host", "release")
    options = EmitOptions(False, checked, small, visible_module=f"{PACKAGE}.{name}")
    text = emit_program(job.check(), job.machine, options)
    return generate_object(text, job.machine, opt=2, cpu=PLAIN_PROCESSOR)


def _load(library: Path, symbol: str) -> Runner:
    run = getattr(ctypes.CDLL(str(library)), symbol)
    run.argtypes, run.restype = [ctypes.c_uint64], ctypes.c_uint64
    return cast(Runner, run)


def _measure_code(name: str, folder: Path, found: Measured) -> None:
    """Bytes of code alone, small before fast; no side uses vector registers."""
    small = folder / f"{name}-small.o"
    words = ["gcc", "-Os", "-mgeneral-regs-only", "-c", "-o", str(small), str(SOURCES / f"{name}.c")]
    subprocess.run(words, check=True, timeout=60)
    found.code["gcc -Os"] = code_bytes(small.read_bytes())
    for variant in SIZED:
        found.code[variant] = code_bytes(_compile(name, checked=variant == "checked", small=True), "compiler.")


def time_large_program(folder: Path) -> dict[str, float]:
    """Seconds for a large program with debug information; those of the processor are what an idle machine would need.

    Release: with an empty cache, and with nothing changed. Debug, which compiles by module: cold, and one file changed.
    """
    folder.mkdir()
    (folder / "compiler").symlink_to(ROOT / "compiler")
    times: dict[str, float] = {"lines": write_program(folder, LARGE_PROGRAM_LINES)}
    _time_build(folder, "release", "cold", times)
    _time_build(folder, "release", "warm", times)
    _time_build(folder, "debug", "debug cold", times)
    module = folder / "program" / "service_7.py"
    module.write_text(module.read_text().replace("return total\n", "return total + 1\n"))
    _time_build(folder, "debug", "debug changed", times)
    return times


def _time_build(folder: Path, profile: str, name: str, times: dict[str, float]) -> None:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [sys.executable, "-m", "compiler", "build", ENTRY, "--target", "kernel", "--profile", profile]
    subprocess.run([*words, "-o", "large.elf"], cwd=folder, check=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    times[name] = time.perf_counter() - start
    times[f"{name} processor"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(programs: list[Measured], large: dict[str, float]) -> None:
    variants = [v for v in dict.fromkeys(v for p in programs for v in p.seconds) if v != "gcc -O2"]
    ratios = {v: {p.name: p.seconds[v] / p.seconds["gcc -O2"] for p in programs if v in p.seconds} for v in variants}
    means = {v: statistics.geometric_mean(found.values()) for v, found in ratios.items()}
    sizes = {v: {p.name: p.code[v] / p.code["gcc -Os"] for p in programs} for v in SIZED}
    size_means = {v: statistics.geometric_mean(found.values()) for v, found in sizes.items()}
    heads = [*variants, *(f"{v} size" for v in SIZED)]
    print(f"{'over gcc -O2, -Os':<20}{'gcc ms':>10}" + "".join(f"{head:>15}" for head in heads))
    for program in programs:
        row = [ratios[v].get(program.name) for v in variants] + [sizes[v][program.name] for v in SIZED]
        text = "".join(f"{ratio:>15.3f}" if ratio is not None else f"{'-':>15}" for ratio in row)
        print(f"{program.name:<20}{program.seconds['gcc -O2'] * 1000:>10.2f}{text}")
    print(f"{'geometric mean':<30}" + "".join(f"{mean:>15.3f}" for mean in [*means.values(), *size_means.values()]))
    compile_seconds = {k: round(sum(p.compile_seconds[k] for p in programs), 2) for k in programs[0].compile_seconds}
    print("seconds to compile: " + ", ".join(f"{k} {v}" for k, v in compile_seconds.items()))
    print(f"seconds for {large['lines']:.0f} lines, and of the processor")
    for name in ("cold", "warm", "debug cold", "debug changed"):
        print(f"    {name:<16}{large[name]:>8.2f}{large[name + ' processor']:>8.2f}")
    document = {
        "programs": [vars(program) for program in programs],
        "ratios": means,
        "code_over_gcc_Os": size_means,
        "compile_seconds": compile_seconds,
        "large_program": large,
    }
    BENCH_COMPILER.write_text(json.dumps(document, indent=2) + "\n")
    rates = f"unchecked={means['unchecked']:.3f} checked={means['checked']:.3f}"
    print(f"bench-compiler: {rates} cold_s={large['cold']:.2f} warm_s={large['warm']:.2f}")


if __name__ == "__main__":
    sys.exit(main())
