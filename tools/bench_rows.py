"""What a benchmark reports, and how its guests are run."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tools.children import run_child
from tools.qemu import EXIT_SUCCESS

DEADLINE_SECONDS = 300


@dataclass(frozen=True)
class Row:
    """One figure; `total` holds it whatever its unit, `spread` is the highest sample less the lowest."""

    name: str
    cpus: int
    user: float | None
    kernel: float | None
    total: float
    unit: str
    n: int
    spread: float


def run_to_end(command: list[str]) -> str:
    """What a guest writes on its serial line until it ends QEMU; one that ends otherwise ends the benchmark."""
    result = run_child(command, seconds=DEADLINE_SECONDS)
    if result.returncode != EXIT_SUCCESS:
        sys.exit(f"bench: a guest failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def timed_lines(command: list[str]) -> Iterator[tuple[float, str]]:
    """The lines that a guest writes, each with the milliseconds since its start; ends the guest when nobody asks for
    more, and after the deadline."""
    begin = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as guest:
        deadline = threading.Timer(DEADLINE_SECONDS, guest.kill)
        deadline.start()
        try:
            assert guest.stdout is not None
            for line in guest.stdout:
                yield (time.perf_counter() - begin) * 1000, line
        finally:
            deadline.cancel()
            guest.kill()
