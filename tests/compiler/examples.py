"""Examples from the compiler's pages, as the sources that they stand for."""

from __future__ import annotations

import re

from compiler.builtin_names import LIBRARY, PRELUDE


def with_imports(source: str) -> str:
    """The source with the imports that it needs, which pages leave out."""
    names = set(re.findall(r"\w+", source))
    lines = [f"from compiler.prelude import {', '.join(sorted(names & PRELUDE))}"] if names & PRELUDE else []
    if "asm_x64" in names:
        lines.append("from compiler.prelude.x64 import *")
    for module, known in LIBRARY.items():
        if used := sorted((names & known) - {"annotations"}):
            lines.append(f"from {module} import {', '.join(used)}")
    return "\n".join([*lines, "", source])
