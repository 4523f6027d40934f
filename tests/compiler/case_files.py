"""Case files: a source and what is expected of it, in one file.

A refuse case names each error below the line where it starts, with the code, the underlined text, the message and the
hint. Every error must be expected, and every expected error must come:

    x: u8 = 300
    #! literal-range: 300 => 300 does not fit u8
    #: u16 would hold it

A run case holds calls and their results, the same under CPython, at O0 and at O2; a trap is named by its kind:

    #: add(1, 2) == 3
    #: divide(1, 0) traps division

The first lines may choose `# target: NAME` and `# profile: NAME`.
"""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler.driver import Build, WrongUse
from compiler.errors import CompilationFailed, Diagnostic
from compiler.native import NativeTrap
from compiler.prelude.floats import Float
from compiler.prelude.traps import Trap

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
EXPECTATION = re.compile(r"\s*#([!:]) ?(.*)")


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


@dataclass(frozen=True)
class RunCase:
    """One call of a run case: what to call with what, and the result, or the kind of trap."""

    function: str
    arguments: tuple[object, ...]
    outcome: str

    def __str__(self) -> str:
        return f"{self.function}{self.arguments} {self.outcome}"


CALL = re.compile(r"#: (.*) (?:== (.*)|traps (\w+))$")


def run_cases(path: Path) -> list[RunCase]:
    found = []
    for line in path.read_text().split("\n"):
        match = CALL.match(line)
        if match is None:
            assert not line.startswith("#:"), f"{path.name}: {line} is neither CALL == RESULT nor CALL traps KIND"
            continue
        call = ast.parse(match[1], mode="eval").body
        assert isinstance(call, ast.Call) and isinstance(call.func, ast.Name), line
        arguments = tuple(ast.literal_eval(argument) for argument in call.args)
        outcome = f"traps {match[3]}" if match[3] else str(ast.literal_eval(match[2]))
        found.append(RunCase(call.func.id, arguments, outcome))
    return found


def outcome(module: object, case: RunCase) -> str:
    """What a call gives in one of the worlds, in the words of a case file."""
    try:
        return str(_plain(getattr(module, case.function)(*case.arguments)))
    except Trap as trap:
        return f"traps {trap.kind}"
    except NativeTrap as trap:
        return f"traps {trap_kind(trap.message)}"


def _plain(value: Any) -> object:
    """A value of the host or of compiled code as Python's own."""
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    if isinstance(value, bool) or value is None:
        return value
    return float(value) if isinstance(value, float | Float) else int(value)


TRAPS = {
    "integer overflow": "overflow",
    "value does not fit": "overflow",
    "division by zero": "division",
    "out of bounds": "bounds",
    "assertion failed": "assertion",
    "null pointer": "null",
    "unreachable code": "unreachable",
    "no member": "member",
}


def trap_kind(message: str) -> str:
    """The kind of a trap of compiled code."""
    return next((kind for words, kind in TRAPS.items() if words in message), "panic")


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
            out += [f"{indent}#: {error.hint}"] if error.hint else []
    path.write_text("\n".join(out))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_expectations(Path(name).resolve())
