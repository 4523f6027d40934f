"""Whatever a source holds, the compiler answers with diagnostics, never with an internal error."""

from __future__ import annotations

import ast
import resource
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random

import pytest

from compiler.driver import Build, WrongUse
from compiler.errors import CompilationFailed
from tests.compiler.case_files import case_files

NORMAL, LONG = 600, 30_000
"""Mutated sources."""
MEMORY = 8 << 30
SOURCES = [*case_files("run"), *case_files("accept"), *case_files("refuse")]
SOURCES = [path for path in SOURCES if "modules" not in path.read_text()]
WORDS = (
    "None True u8 u64 i32 ptr span array atomic volatile bits const addr copy zeroed struct self "
    "x 0 1 -1 300 1.5 'a' b'a' "
    "lambda yield await async if else while for in is not and or match case with as global return pass break del raise "
    "try assert import class def @ : = == + - * // % << [ ] ( ) { } , . | ~ -> ... T Generic Protocol inline asm_x64"
).split()


def mutate_text(text: str, random: Random) -> str:
    """The text with some tokens, lines or characters changed."""
    lines = text.split("\n")
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(lines))
        words = lines[at].split(" ")
        spot = random.randrange(len(words))
        match random.randrange(6):
            case 0:
                words[spot] = random.choice(WORDS)
            case 1:
                words.insert(spot, random.choice(WORDS))
            case 2:
                del words[spot]
            case 3:
                words = random.choice(lines).split(" ")
            case 4:
                other = random.randrange(len(words))
                words[spot], words[other] = words[other], words[spot]
            case 5:
                position = random.randrange(len(lines[at]) + 1)
                words = [lines[at][:position] + random.choice("()[]:,.=*-x0\"'#\\é\0") + lines[at][position:]]
        lines[at] = " ".join(words)
    return "\n".join(lines)


def mutate_tree(text: str, random: Random) -> str:
    """The text with expressions or statements of its tree exchanged: still Python, mostly no program.

    A copy goes in: a node put below itself would make a tree without end.
    """
    tree = ast.parse(text)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr) and not isinstance(node, ast.Constant)]
    for _ in range(random.randint(1, 2)):
        parent = random.choice(list(ast.walk(tree)))
        slots = [(name, value) for name, value in ast.iter_fields(parent) if _can_change(value)]
        if not slots:
            continue
        name, value = random.choice(slots)
        if isinstance(value, ast.expr):
            setattr(parent, name, deepcopy(random.choice(nodes)))
        elif isinstance(value[0], ast.expr):
            value[random.randrange(len(value))] = deepcopy(random.choice(nodes))
        else:
            first, second = random.randrange(len(value)), random.randrange(len(value))
            value[first], value[second] = value[second], value[first]
    try:
        return ast.unparse(tree)
    except Exception:
        return text


def _can_change(value: object) -> bool:
    several = isinstance(value, list) and bool(value) and isinstance(value[0], ast.expr | ast.stmt)
    return several or isinstance(value, ast.expr)


@pytest.fixture(autouse=True)
def bounded_memory() -> Iterator[None]:
    """A compiler that never stops asking for memory fails the test, not the machine."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def check(text: str, folder: Path, target: str) -> None:
    (folder / "mutated.py").write_text(text)
    try:
        Build(folder, "mutated", target, "debug").ir()
    except (CompilationFailed, WrongUse):
        return
    except RecursionError:
        pytest.fail("recursion without end")


def check_many(seeds: range, folder: Path) -> None:
    for seed in seeds:
        random = Random(seed)
        text = random.choice(SOURCES).read_text()
        try:
            mutated = mutate_tree(text, random) if random.random() < 0.5 else mutate_text(text, random)
        except SyntaxError:
            mutated = mutate_text(text, random)
        try:
            check(mutated, folder, "host")
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, 4))])
def test_mutated_sources_get_diagnostics(part: int, tmp_path: Path) -> None:
    check_many(range(part * NORMAL // 4, (part + 1) * NORMAL // 4), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
def test_many_mutated_sources_get_diagnostics(part: int, tmp_path: Path) -> None:
    check_many(range(NORMAL + part * LONG // 20, NORMAL + (part + 1) * LONG // 20), tmp_path)
