"""Checks the sources: ruff (lint), mypy (types), and the project's own rules (tests/style).

All three run even when one finds something, so that one run shows everything.
"""

import sys

from tools.children import run_child
from tools.paths import ROOT

CHECKS = {
    "lint": ["ruff", "check", "--quiet", "."],
    "types": ["mypy", "--no-error-summary"],
    "style": ["pytest", "--quiet", "--no-header", "tests/style"],
}


def main() -> int:
    failed = []
    for name, (module, *words) in CHECKS.items():
        print(f"check: {name}", flush=True)
        if run_child([sys.executable, "-m", module, *words], cwd=ROOT, capture=False).returncode != 0:
            failed.append(name)
    if failed:
        print(f"check: found something in: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
