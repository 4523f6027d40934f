"""Case files: a source and what is expected of it, in one file.

A refuse case names each error below the line where it starts, with the code, the underlined text, the message and the
hint. Every error must be expected, and every expected error must come:

    x: u8 = 300
    #! literal-range: 300 => 300 does not fit u8
    #? u16 would hold it

A run case holds calls and their results, the same under CPython, at O0 and at O2; a trap is named by its kind:

    #> add(1, 2) == 3
    #> divide(1, 0) traps division

The first lines may choose `# target: NAME` and `# profile: NAME`.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from compiler.driver import Build, WrongUse
from compiler.errors import CompilationFailed, Diagnostic

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
EXPECTATION = re.compile(r"\s*#([!?]) ?(.*)")


def case_files(folder: str) -> list[Path]:
    return sorted((HERE / folder).glob("*.py"))


@dataclass(frozen=True)
class Expected:
    """One error, as a case file states it."""

    line: int
    text: str
    hint: str


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def settings(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^# (target|profile): (\w+)$", path.read_text(), flags=re.MULTILINE))


def build_of(path: Path, opt: int = 2) -> Build:
    chosen = settings(path)
    return Build(ROOT, module_name(path), chosen.get("target", "host"), chosen.get("profile", "debug"), opt=opt)


def expected_errors(path: Path) -> list[Expected]:
    found: list[Expected] = []
    code_line = 0
    for number, line in enumerate(path.read_text().split("\n"), 1):
        match = EXPECTATION.match(line)
        if match is None:
            code_line = number if line.strip() and not line.lstrip().startswith("# ") else code_line
        elif match[1] == "!":
            found.append(Expected(code_line, match[2], ""))
        else:
            found[-1] = Expected(found[-1].line, found[-1].text, match[2])
    return found


def actual_errors(path: Path) -> list[Expected]:
    try:
        build_of(path).check()
    except CompilationFailed as failure:
        here = path.relative_to(ROOT).as_posix()
        return sorted((_expectation(d, here) for d in failure.diagnostics), key=lambda e: (e.line, e.text))
    except WrongUse as error:
        return [Expected(0, str(error), "")]
    return []


def _expectation(diagnostic: Diagnostic, here: str) -> Expected:
    span = diagnostic.span
    where = "" if span.file.path == here else f" (in {span})"
    return Expected(span.line, f"{diagnostic.code}: {span.text} => {diagnostic.message}{where}", diagnostic.hint)


def write_expectations(path: Path) -> None:
    """Puts what the compiler says now into the file; for writing new cases, to be read before it is kept."""
    lines = path.read_text().split("\n")
    errors = actual_errors(path)
    kept = [(number, line) for number, line in enumerate(lines, 1) if not EXPECTATION.match(line)]
    out = []
    for number, line in kept:
        out.append(line)
        indent = line[: len(line) - len(line.lstrip())]
        for error in (e for e in errors if e.line == number):
            out.append(f"{indent}#! {error.text}")
            out += [f"{indent}#? {error.hint}"] if error.hint else []
    path.write_text("\n".join(out))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_expectations(Path(name).resolve())
