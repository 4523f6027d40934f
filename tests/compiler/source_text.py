"""Programs given as text, compiled from a folder of their own: a test shows the source beside what it asserts."""

from __future__ import annotations

import re
from pathlib import Path

from compiler.driver import Build

ROOT = Path(__file__).resolve().parents[2]
HANDLER = """
from typing import NoReturn
from compiler.prelude import *

@panic_handler
def on_panic(message: str, file: str, line: u32) -> NoReturn:
    while True:
        pass
"""
_NAMES = re.compile(r"^from compiler\.prelude import \*$", re.MULTILINE)
_PRELUDE = (
    "addr array asm_x64 atomic bits const copy export i32 i64 i8 interrupt mem32 mem8 naked noinline "
    "panic panic_handler percpu percpu_address placed ptr section sizeof span struct u128 u16 u32 u64 u8 "
    "union volatile zeroed"
)


def create_build(folder: Path, source: str, target: str = "kernel", profile: str = "release", opt: int = 2) -> Build:
    """A build of a module `program` with the given text; freestanding ones get a panic handler."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "compiler"
    if not link.exists():
        link.symlink_to(ROOT / "compiler")
    text = (HANDLER if target != "host" else "from compiler.prelude import *\n") + source
    (folder / "program.py").write_text(_NAMES.sub(f"from compiler.prelude import {', '.join(_PRELUDE.split())}", text))
    return Build(folder, "program", target, profile, opt=opt)


def function_text(ir: str, name: str) -> str:
    """The definition of one function of `program` in LLVM IR."""
    found = re.search(rf'^define [^\n]*@"?(program\.)?{re.escape(name)}"?\(.*?^}}$', ir, re.MULTILINE | re.DOTALL)
    assert found, f"no function {name}"
    return found[0]


def emit_function(folder: Path, source: str, name: str, target: str = "kernel", profile: str = "release") -> str:
    return function_text(create_build(folder, source, target, profile).ir(), name)
