"""What the codes of errors mean: ERRORS.md as a table."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).with_name("ERRORS.md")
_BLOCK = re.compile(r"```(\w+)\n(.*?)```\n", re.DOTALL)


@dataclass(frozen=True)
class Explanation:
    code: str
    text: str
    wrong: str
    right: str
    is_source: bool  # whether the examples compile as they stand

    def __str__(self) -> str:
        wrong, right = ("\n".join(f"    {line}".rstrip() for line in t.splitlines()) for t in (self.wrong, self.right))
        return f"{self.code}: {self.text}\n\n  refused:\n\n{wrong}\n\n  instead:\n\n{right}\n"


def explanations() -> dict[str, Explanation]:
    found: dict[str, Explanation] = {}
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        code, _, rest = section.partition("\n")
        (language, wrong), (_, right) = _BLOCK.findall(rest)
        text = " ".join(rest[: rest.index("```")].split())
        found[code] = Explanation(code, text, wrong, right, language == "python")
    return found


def explain(code: str) -> str | None:
    """The explanation of a code, the list of all for an empty one, or None for an unknown one."""
    known = explanations()
    if not code:
        return "\n".join(f"{e.code:<20} {e.text.partition('. ')[0].removesuffix('.')}" for e in known.values()) + "\n"
    return str(known[code]) if code in known else None


def near(code: str) -> list[str]:
    return difflib.get_close_matches(code, explanations(), 3)
