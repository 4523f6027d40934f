"""C compilers on this machine, and what they make of a program, callable from Python."""

from __future__ import annotations

import _ctypes
import ctypes
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from compiler.check import Program
from compiler.symbols import Function
from compiler.type_model import BoolType, EnumType, IntType, Type
from tests.compiler.c_places import TRAPS
from tests.compiler.c_program import c_program

COMPILERS = tuple(name for name in ("gcc", "clang") if shutil.which(name))
FLAGS = ("-fwrapv", "-fno-strict-aliasing", "-w", "-shared", "-fPIC")


class CTrap(Exception):
    """A program that C compiled reached a trap."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class CModule:
    """The public functions of one module, called by name."""

    def __init__(self, library: Path, program: Program, module: str) -> None:
        self._library = ctypes.CDLL(str(library))
        self._functions = {
            body.function.name: body.function for body in program.bodies if body.function.module.name == module
        }

    def close(self) -> None:
        _ctypes.dlclose(self._library._handle)

    def function(self, name: str) -> Callable[..., int]:
        return partial(self._call, name)

    def _call(self, name: str, *values: int) -> int:
        """Errors: CTrap."""
        function = self._functions[name]
        words = (ctypes.c_uint64 * max(1, len(values)))(*(value & ((1 << 64) - 1) for value in values))
        result = ctypes.c_uint64()
        kind = self._library[f"call_{name}"](words, ctypes.byref(result))
        if kind:
            raise CTrap(TRAPS[kind - 1])
        return _as_number(function, result.value)


def _as_number(function: Function, word: int) -> int:
    kind: Type = function.result
    if isinstance(kind, EnumType):
        kind = kind.of
    return kind.wrap(word) if isinstance(kind, IntType) else word & 1 if isinstance(kind, BoolType) else word


def build_c(program: Program, module: str, folder: Path, *, is_debug: bool, opt: int = 2) -> dict[str, CModule]:
    """The program by every C compiler there is."""
    source = folder / f"{module}.c"
    source.write_text(c_program(program, module, is_debug))
    built = {}
    for compiler in COMPILERS:
        library = folder / f"{module}-{compiler}.so"
        command = [compiler, f"-O{opt}", *FLAGS, "-o", str(library), str(source)]
        subprocess.run(command, check=True, timeout=300)
        built[compiler] = CModule(library, program, module)
    return built
