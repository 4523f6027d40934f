"""What a benchmark reports, and how its guests are run."""

import subprocess
import sys
from dataclasses import dataclass

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
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    if result.returncode != EXIT_SUCCESS:
        sys.exit(f"bench: a guest failed:\n{result.stdout}{result.stderr}")
    return result.stdout
