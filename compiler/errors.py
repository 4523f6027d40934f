"""Diagnostics: what was wrong, where, and what to write instead.

A user's mistake is always a `Diagnostic`; it travels as `CompileError` to the nearest point of recovery (a statement
or a declaration), where `Diagnostics` collects it, so that one run reports every mistake.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from compiler.source import Span

RED, BLUE, BOLD, GREEN, PLAIN = "\033[1;31m", "\033[1;34m", "\033[1m", "\033[32m", "\033[0m"


@dataclass(frozen=True)
class Label:
    """A further place that explains the message, with a few words of its own."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    code: str
    message: str
    span: Span
    here: str = ""  # words beside the caret
    labels: tuple[Label, ...] = ()
    hint: str = ""

    def render(self, color: bool = False) -> str:
        def paint(text: str, style: str) -> str:
            return f"{style}{text}{PLAIN}" if color else text

        out = [f"{self.span}: {paint(f'error[{self.code}]', RED)}: {paint(self.message, BOLD)}"]
        out += _snippet(Label(self.span, self.here), "^", lambda text: paint(text, RED))
        shown = self.span
        for label in self.labels:
            marked = _snippet(label, "-", lambda text: paint(text, BLUE))
            same_line = (label.span.file, label.span.line) == (shown.file, shown.line)
            out += marked[1:] if same_line else [f"  {label.span}:", *marked]
            shown = label.span
        if self.hint:
            out.append(f"  {paint('hint', GREEN)}: {self.hint}")
        return "\n".join(out)

    def as_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "message": self.message,
            "file": self.span.file.path,
            "line": self.span.line,
            "column": self.span.column + 1,
            "end_line": self.span.end_line,
            "end_column": self.span.end_column + 1,
            "hint": self.hint,
            "labels": [{"at": str(label.span), "text": label.text} for label in self.labels],
        }


def _snippet(label: Label, mark: str, paint: object) -> list[str]:
    span = label.span
    if span.line > len(span.file.lines):
        return []
    text = span.file.lines[span.line - 1].replace("\t", " ")
    end = span.end_column if span.end_line == span.line else len(text)
    underline = " " * span.column + mark * max(1, end - span.column)
    marked = f"{underline} {label.text}".rstrip()
    assert callable(paint)
    return [f"{span.line:5} | {text}", f"      | {paint(marked)}"]


class CompileError(Exception):
    """One diagnostic on its way to the nearest point of recovery."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        here: str = "",
        labels: tuple[Label, ...] = (),
        hint: str = "",
    ) -> None:
        self.diagnostic = Diagnostic(code, message, span, here, labels, hint)
        super().__init__(self.diagnostic.render())


class CompilationFailed(Exception):
    """Raised once, by the driver, when a build has diagnostics; they are in the order of the sources."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        self.diagnostics = sorted(diagnostics, key=lambda d: (d.span.file.path, d.span.line, d.span.column))
        super().__init__("\n".join(d.render() for d in self.diagnostics))


REPORTED = "reported"
"""The code of an error that follows from one already reported, and is not shown."""
UNKNOWN = "<unknown>"
"""How the type of a value with a reported error reads; a message about such a type is not shown."""


@dataclass
class Diagnostics:
    """The mistakes of one build, in source order when reported, each once."""

    found: list[Diagnostic] = field(default_factory=list)
    refused: dict[str, set[int]] = field(default_factory=dict)  # lines that no later pass can judge, by path

    def add(self, error: CompileError) -> None:
        diagnostic = error.diagnostic
        span = diagnostic.span
        judged = span.line not in self.refused.get(span.file.path, ()) and UNKNOWN not in diagnostic.message
        if diagnostic.code != REPORTED and judged and diagnostic not in self.found:
            self.found.append(diagnostic)

    def give_up_on(self, path: str, lines: range) -> None:
        """Keeps later passes from judging these lines: their error is known, the rest would follow from it."""
        self.refused.setdefault(path, set()).update(lines)

    def gave_up_in(self, span: Span) -> bool:
        """Whether any line of `span` is beyond judgement."""
        return not self.refused.get(span.file.path, set()).isdisjoint(range(span.line, span.end_line + 1))

    def raise_if_syntax(self) -> None:
        """After a syntax error nothing of its file is known, and what imports it cannot be judged."""
        if any(d.code == "syntax" for d in self.found):
            self.raise_if_any()

    def raise_if_any(self) -> None:
        if self.found:
            raise CompilationFailed(self.found)


def render_all(diagnostics: list[Diagnostic], *, color: bool, as_json: bool) -> str:
    if as_json:
        return json.dumps([d.as_json() for d in diagnostics], indent=2)
    count = f"{len(diagnostics)} error" + ("s" if len(diagnostics) != 1 else "")
    return "\n\n".join(d.render(color) for d in diagnostics) + f"\n\n{count}"
