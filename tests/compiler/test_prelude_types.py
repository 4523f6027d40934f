"""What mypy with the plugin says of sources: nothing of good ones, the mistake of bad ones."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from compiler import builtin_names, prelude

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
from collections.abc import Callable
from enum import IntEnum
from typing import NoReturn

from compiler.prelude import (
    addr, array, asm_x64, atomic, bits, const, copy, export, guarded_by, interrupt, mem32, naked, offsetof,
    overflow_add, panic, percpu, ptr, section, sizeof, span, struct, u8, u16, u32, u64, uint, union, volatile, wrap_add,
    zeroed,
)
from compiler.prelude.x64 import *

SLOTS = const(1 << 4)


class Kind(IntEnum):
    EMPTY = 0
    FULL = 1


@struct
class Lock:
    word: atomic[u32]

    def __enter__(self) -> None:
        while not self.word.cas(0, 1, "acquire"):
            pass

    def __exit__(self) -> None:
        self.word.store(0, "release")


@struct(packed=True, align=64)
class Entry:
    offset: u16
    flags: u16 = 0
    kind: Kind = Kind.EMPTY
    present: bits[u64, 0, 1]
    frame: bits[u64, 12, 40]
    status: volatile[u32]
    lock: Lock
    with guarded_by("lock"):
        rows: array[u8, SLOTS * 2]
        next: ptr[Entry] | None
        links: ptr[ptr[Entry]]

    def limit(self) -> u64:
        return u64(self.offset) + 1

    def last(self) -> ptr[Entry]:
        at = self
        while at.next is not None:
            at = at.next
        return at


@union
class Word:
    whole: u64
    parts: array[u32, 2]


entries: array[Entry, SLOTS] = zeroed(align=4096, section=".data")
current: percpu[ptr[Entry] | None] = None
ticket: atomic[u32] = 0
count: u64 = 0
handlers: array[Callable[[u64], u32], 2] = zeroed()

assert sizeof(Entry) == 192 and offsetof(Entry, "flags") == 2
assert sizeof(array[u64, 512]) == 4096


def search(table: ptr[array[Entry, SLOTS]], key: u16) -> ptr[Entry] | None:
    for index in range(SLOTS):
        entry = addr(table[index])
        if entry.offset == key and entry.present != 0:
            return entry
    return None


def work(number: u32, offset: int, text: span[u8], bits_of: uint) -> tuple[u32, bool]:
    global count, current
    made = Entry(offset=4, kind=Kind.FULL, rows=zeroed())
    other = copy(made)
    other.rows[3] = 0xFF
    entries[0] = copy(other)
    found = search(addr(entries), 4)
    if found is None:
        panic("nothing found")
    current = found
    found.frame = u64(number) << 3 | 1 << 12
    found.present = 1
    with found.lock:
        found.next = addr(entries[1])
        count += found.limit() + len(text)
    low, over = overflow_add(number, 0xFFFF_FFF0)
    steps = 0
    steps += offset
    for byte in text[1:3]:
        steps = steps + int(byte)
    mem32[0xFEE0_0000] |= 1 << 8
    ptr[u64](0x1000)[0] = wrap_add(count, u64(addr(made)))
    head = ptr[Entry](u64(found)).last()
    match found.kind:
        case Kind.EMPTY:
            return 0, False
        case Kind.FULL if head is not None:
            pass
    value = max(low, 5) if over else 7
    return value % 10 | ~number & 0xF0, number < 4 <= low and not over


def starts(message: bytes) -> bool:
    return message[0] == 0x41 and starts(b"A") and starts("A".encode())


@asm_x64
def cycles() -> u64:
    rdtsc()
    shl(rdx, 32)
    or_(rax, rdx)
    mov(qword[gs, 16], rax)


@naked
@asm_x64
@export("_start")
@section(".text.boot")
def enter() -> NoReturn:
    cli()
    call(cycles)
    jmp(word[rip, count])


def call(number: u64, word: u8) -> u64:
    total: float = 1.5
    _ = Kind(number), total
    for index in range(1 + number % 3):
        _ = call(index, word)
    return 1 + number


@struct
class Later:
    value: u64

    async def __await__(self) -> u64:
        return self.value


async def wait(later: ptr[Later]) -> u64:
    return await later + 1


@struct
class Countdown:
    left: u64

    def next(self) -> tuple[u64, bool]:
        self.left -= 1
        return self.left, self.left != 0


@struct
class Chain:
    at: ptr[Entry] | None

    def next(self) -> ptr[Entry] | None:
        return self.at


def walk(chain: Chain) -> u64:
    for entry in chain:
        return u64(entry.offset)
    for left in Countdown(left=3):
        return left + u64(1)
    return 0


assert Kind.EMPTY == 0 and Kind.FULL != 0


@interrupt
def tick(frame: ptr[u64]) -> None:
    handlers[0] = on_tick
    _ = handlers[0](frame[0])


def on_tick(now: u64) -> u32:
    return u32(now >> 32)
"""
BAD = [
    ("x: u32 = u64(5)", "Incompatible types in assignment"),
    ("x = u32(1) + u64(2)", "Unsupported operand types"),
    ('takes("text")', "has incompatible type"),
    ("takes(u64(1))", "has incompatible type"),
    ("entry.colour = 1", 'has no attribute "colour"'),
    ("entry.next.offset = 1", 'has no attribute "offset"'),
    ("entry.offset = u64(1)", "Incompatible types in assignment"),
    ("Entry(colour=1)", "Unexpected keyword argument"),
    ("entry.word.load()", 'has no attribute "load"'),
    ('entry.lock.load("sometimes")', "has incompatible type"),
    ("mov(rax, nowhere)", 'Name "nowhere" is not defined'),
    ("takes(1 + u64(5))", "has incompatible type"),
    ("x: array[u8] = zeroed()", r"array is written array\[T, N\]"),
]


def test_every_name_of_the_language_can_be_imported_and_has_a_type() -> None:
    stub = ast.parse((ROOT / "compiler/prelude/__init__.pyi").read_text())
    typed: set[str] = set()
    for node in stub.body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                typed.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                typed.add(name)
            case ast.ImportFrom(names=aliases):
                typed |= {alias.asname or alias.name for alias in aliases}
    assert builtin_names.PRELUDE - set(vars(prelude)) == set()
    assert builtin_names.PRELUDE - typed == set()


def check(directory: Path, text: str) -> str:
    """mypy's words on a source of the kernel."""
    source = directory / "kernel" / "sample.py"
    source.parent.mkdir(exist_ok=True)
    source.write_text(text)
    options = ["--no-error-summary", f"--cache-dir={directory}/cache"]
    command = [sys.executable, "-m", "mypy", *options, str(source)]
    environment = {**os.environ, "MYPYPATH": f"{directory}{os.pathsep}{ROOT}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


def test_a_good_source_is_clean(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD) == ""
    assert check(tmp_path, GOOD) == "", "from mypy's cache"


def test_each_mistake_is_reported_on_its_line(tmp_path: Path) -> None:
    header = (
        "from compiler.prelude import array, atomic, ptr, struct, u8, u16, u32, u64, zeroed\n"
        "from compiler.prelude.x64 import *\n\n\n"
        "@struct\nclass Entry:\n    offset: u16\n    word: u32\n"
        "    next: ptr[Entry] | None\n    lock: atomic[u32]\n\n\n"
        "def takes(a: u32) -> None:\n    pass\n\n\n"
    )
    functions = "".join(f"def f{i}(entry: ptr[Entry]) -> None:\n    {code}\n\n\n" for i, (code, _) in enumerate(BAD))
    report = check(tmp_path, header + functions).splitlines()
    first = header.count("\n") + 2
    for i, (code, message) in enumerate(BAD):
        line = first + 4 * i
        said = [r for r in report if f"sample.py:{line}:" in r]
        assert any(re.search(message, r) for r in said), f"{code}: {said}"
    assert len({r.split(":")[1] for r in report if ": error:" in r}) == len(BAD), report
