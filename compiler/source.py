"""Source files and places in them.

Columns are counted in characters from 0; CPython's syntax tree counts UTF-8 bytes, `SourceFile.span` converts.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SourceFile:
    path: str  # relative to the project's root, as shown in messages and debug information
    text: str
    lines: list[str] = field(init=False, repr=False, compare=False)
    is_ascii: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", self.text.split("\n"))
        object.__setattr__(self, "is_ascii", self.text.isascii())

    @staticmethod
    def read(root: Path, path: Path) -> SourceFile:
        return SourceFile(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8-sig"))

    def column(self, line: int, byte_offset: int) -> int:
        if self.is_ascii:
            return byte_offset
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        return len(text.encode()[:byte_offset].decode(errors="replace"))

    def span(self, node: ast.AST) -> Span:
        line = getattr(node, "lineno", 1)
        end_line = getattr(node, "end_lineno", line) or line
        start = self.column(line, getattr(node, "col_offset", 0))
        end = self.column(end_line, getattr(node, "end_col_offset", 0) or 0)
        return Span(self, line, start, end_line, end)


@dataclass(frozen=True)
class Span:
    file: SourceFile
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file.path}:{self.line}:{self.column + 1}"

    @property
    def text(self) -> str:
        """The source text covered, first line only when it runs over several."""
        line = self.file.lines[self.line - 1] if self.line <= len(self.file.lines) else ""
        return line[self.column : self.end_column] if self.end_line == self.line else line[self.column :]
