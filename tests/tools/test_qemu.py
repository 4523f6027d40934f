"""What is told when there is no QEMU, or one that is of no use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import qemu


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    qemu.find_qemu.cache_clear()
    qemu.read_version.cache_clear()
    yield tmp_path
    qemu.find_qemu.cache_clear()
    qemu.read_version.cache_clear()


def put_qemu(path: Path, says: str) -> None:
    program = path / qemu.PROGRAM
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)


def test_missing_qemu_is_told(path: Path) -> None:
    with pytest.raises(qemu.MissingQemu, match="is not on PATH: run `make setup`"):
        qemu.Machine().command("stdio")


@pytest.mark.parametrize("says", ["QEMU emulator version 4.2.1", "QEMU emulator version 6.1.0 (Debian)", "no word"])
def test_old_qemu_is_told(path: Path, says: str) -> None:
    put_qemu(path, says)
    with pytest.raises(qemu.MissingQemu, match=r"QEMU 6\.2 or newer is needed"):
        qemu.find_qemu()


def test_new_qemu_is_taken(path: Path) -> None:
    put_qemu(path, "QEMU emulator version 10.0.2")
    assert qemu.find_qemu() == str(path / qemu.PROGRAM)


@pytest.mark.parametrize(
    ("version", "words"),
    [("7.2.0", ["tcg,thread=multi", "-singlestep"]), ("9.1.2", ["tcg,thread=multi,one-insn-per-tb=on"])],
)
def test_single_steps_are_asked_for_by_the_name_that_qemu_knows(path: Path, version: str, words: list[str]) -> None:
    put_qemu(path, f"QEMU emulator version {version}")
    line = qemu.Machine(singlestep=True).command("stdio")
    start = line.index("-accel") + 1
    assert line[start : start + len(words)] == words
    assert ("-singlestep" in line) == ("-singlestep" in words)
