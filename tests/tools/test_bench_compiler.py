"""The compiler's benchmark: both languages' programs agree, and its last line is what others read."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import tools.bench_compiler as bench
from compiler.driver import Build
from tests.compiler.source_text import ROOT
from tools.bench_program import ENTRY, write_program
from tools.object_size import code_bytes

SMALL = {"fannkuch": 6, "queens": 6, "towers": 5, "permute": 5, "mandelbrot": 20}

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing: apt-get install gcc")


@pytest.fixture
def small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SIZES", {name: SMALL.get(name, 2) for name in bench.SIZES})
    monkeypatch.setattr(bench, "ROUNDS", 1)


@needs_gcc
@pytest.mark.slow
@pytest.mark.usefixtures("small_sizes")
@pytest.mark.parametrize("name", sorted(bench.SIZES))
def test_both_languages_agree(tmp_path: Path, name: str) -> None:
    measured = bench.measure(name, ["gcc"], tmp_path)
    assert set(measured.seconds) - {"numba"} == {"gcc -O2", "checked", "unchecked"}
    assert measured.code["checked"] > 0


def test_every_program_is_measured() -> None:
    sources = {path.stem for path in bench.SOURCES.glob("*.py")}
    assert sources == {path.stem for path in bench.SOURCES.glob("*.c")} == set(bench.SIZES)


@needs_gcc
@pytest.mark.usefixtures("small_sizes")
def test_a_wrong_result_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_our_program", lambda *arguments: lambda size: 1)
    with pytest.raises(bench.WrongResult, match="xorshift gives"):
        bench.measure("xorshift", ["gcc"], tmp_path)


def test_the_report_ends_with_the_line_others_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "BENCH_COMPILER", tmp_path / "bench.json")
    seconds = {"gcc -O2": 2.0, "checked": 4.0, "unchecked": 1.0}
    programs = [
        bench.Measured("a", seconds, {"gcc": 1.0, "ours": 2.0}, {"gcc -Os": 100, "checked": 150, "unchecked": 110})
    ]
    large = {"lines": 20000, "cold": 9.5, "warm": 0.5, "debug cold": 8.0, "debug changed": 1.5}
    bench.report(programs, large | {f"{name} processor": 1.0 for name in large})
    last = capsys.readouterr().out.rstrip().split("\n")[-1]
    assert last == "bench-compiler: unchecked=0.500 checked=2.000 cold_s=9.50 warm_s=0.50"
    assert json.loads((tmp_path / "bench.json").read_text())["ratios"] == {"checked": 2.0, "unchecked": 0.5}


def test_the_large_program_has_its_lines_and_compiles(tmp_path: Path) -> None:
    (tmp_path / "compiler").symlink_to(ROOT / "compiler")
    lines = write_program(tmp_path, 600)
    assert 600 <= lines <= 1000
    code = Build(tmp_path, ENTRY, "kernel").object()
    assert code_bytes(code) > 3000
    texts = {re.sub(r"\d+", "", path.read_text()) for path in (tmp_path / "program").glob("service_*.py")}
    assert len(texts) > 1
