"""Files that are unusual as files: encodings, line ends, nesting past any sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.driver import Build
from compiler.errors import CompilationFailed

HEAD = "from compiler.prelude import u64\n\n\ndef f(a: u64) -> u64:\n"


def messages(folder: Path, data: bytes) -> list[str]:
    (folder / "odd.py").write_bytes(data)
    try:
        Build(folder, "odd", "host").ir()
    except CompilationFailed as failure:
        return [f"{diagnostic.span.line}: {diagnostic.message}" for diagnostic in failure.diagnostics]
    return []


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    assert messages(tmp_path, b"# fine\nx = '\xff'\n") == ["2: the file is not UTF-8 text"]


def test_byte_order_marks_and_line_ends_are_taken(tmp_path: Path) -> None:
    assert messages(tmp_path, b"\xef\xbb\xbf" + HEAD.encode() + b"    return a\n") == []
    assert messages(tmp_path, (HEAD + "    return True\n").replace("\n", "\r\n").encode()) == [
        "5: this is a bool, but a u64 is needed"
    ]


def test_null_bytes_are_refused(tmp_path: Path) -> None:
    assert messages(tmp_path, HEAD.encode() + b"    return a\0\n") != []


@pytest.mark.parametrize(
    "body",
    [
        "    return " + " + ".join(["a"] * 1000),
        "    if a == 0:\n        return 0\n"
        + "".join(f"    elif a == {n}:\n        return {n}\n" for n in range(1, 1000))
        + "    return a",
    ],
    ids=["terms", "elif"],
)
def test_long_chains_are_taken(tmp_path: Path, body: str) -> None:
    assert messages(tmp_path, f"{HEAD}{body}\n".encode()) == []


@pytest.mark.parametrize("text", [" + ".join(["a"] * 50_000), "-" * 50_000 + "a", "(" * 300 + "a" + ")" * 300])
def test_nesting_without_sense_is_refused(tmp_path: Path, text: str) -> None:
    found = messages(tmp_path, f"{HEAD}    return {text}\n".encode())
    assert len(found) == 1
    assert "nested" in found[0]
