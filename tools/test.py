"""Runs the test suite at one of three levels: python -m tools.test fast|normal|long [pytest arguments].

Owns: how many tests run side by side. What a level leaves out is said by the tests' markers (tests/conftest.py).
"""

import os
import subprocess
import sys

from tools.paths import ROOT

LEVELS = ("fast", "normal", "long")


def main(words: list[str]) -> int:
    if not words or words[0] not in LEVELS:
        print(f"usage: python -m tools.test {'|'.join(LEVELS)} [pytest arguments]", file=sys.stderr)
        return 2
    level, *rest = words
    command = [sys.executable, "-m", "pytest", "--level", level]
    # Guests wait for one another's output more than they compute: a few side by side fill two processors.
    command += ["--numprocesses", str(min(3, (os.cpu_count() or 1) + 1)), *rest]
    try:
        return subprocess.run(command, cwd=ROOT).returncode
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
