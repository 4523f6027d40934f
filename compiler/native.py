"""Compiled functions called from CPython: the same sources, as native code in this process.

    fast = load_module("kernel.memory.rounding")
    fast.round_up(5, 8)

Arguments are numbers, bools, bytes-like objects for spans, and ctypes objects or addresses for pointers. A trap in
compiled code (a failed bounds check, `panic`, `assert`) leaves it and raises `NativeTrap`; what it had written stays
written.
"""

from __future__ import annotations

import ctypes
import functools
import struct
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from compiler.check import Program
from compiler.codegen import create_machine
from compiler.driver import Build
from compiler.elf_object import read_object
from compiler.emit import EmitOptions, emit_program, is_public
from compiler.symbols import Function
from compiler.type_model import (
    F64,
    NEVER,
    NONE,
    BoolType,
    EnumType,
    FloatType,
    FuncType,
    IntType,
    PtrType,
    SpanType,
    StrType,
    TupleType,
    Type,
)

ENTER, SITE = "compiler.enter", "compiler.trapped_site"
REGISTERS = 6
"""Integer registers that carry arguments in the System V convention; arguments on the stack are not supported."""
FLOAT_REGISTERS = 8
MEMORY_FUNCTIONS = ("memcpy", "memmove", "memset")
"""What generated code calls for large copies and fills; a freestanding program has its own."""
MISSING = "abort"


class NativeTrap(Exception):
    """Compiled code reached a trap."""

    def __init__(self, message: str, file: str, line: int) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.message, self.file, self.line = message, file, line


class _Site(ctypes.Structure):
    """What compiler.emit writes for each trap."""

    _fields_ = (
        ("message", ctypes.c_void_p),
        ("file", ctypes.c_void_p),
        ("message_length", ctypes.c_uint32),
        ("file_length", ctypes.c_uint32),
        ("line", ctypes.c_uint32),
    )


class NativeFunction:
    """One compiled function, with Python's calling convention in front."""

    def __init__(self, library: NativeModule, function: Function, address: int) -> None:
        self.library, self.function, self.address = library, function, address
        self.__name__, self.__doc__ = function.name, None

    def __call__(self, *arguments: object) -> Any:
        params = self.function.params
        if len(arguments) != len(params):
            raise TypeError(f"{self.function.name} takes {len(params)} arguments, {len(arguments)} given")
        words: list[int] = []
        floats: list[int] = []
        alive: list[object] = []
        for param, argument in zip(params, arguments, strict=True):
            if isinstance(param.type, FloatType):
                floats.append(_float_bits(param.type, argument))
            else:
                words += _to_words(param.type, argument, alive)
        if len(words) > REGISTERS or len(floats) > FLOAT_REGISTERS:
            message = f"more than {REGISTERS} machine words, or {FLOAT_REGISTERS} numbers with a point"
            raise TypeError(f"{self.function.name} takes {message}")
        return _from_words(self.function.result, *self.library.enter(self.address, words, floats))


class NativeModule:
    """The functions of one module, as attributes."""

    def __init__(self, program: Program, name: str, code: bytes) -> None:
        _define_missing(code)
        machine = create_machine("host", 2)
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()
        prototype = ctypes.CFUNCTYPE(
            None, ctypes.c_uint64, ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(ctypes.c_uint64)
        )
        self._enter = prototype(self._engine.get_function_address(ENTER))
        self._site = ctypes.c_void_p.from_address(self._engine.get_global_value_address(SITE))
        for body in program.bodies:
            function = body.function
            if function.module.name == name and is_public(function) and not function.is_naked:
                setattr(
                    self,
                    function.name,
                    NativeFunction(self, function, self._engine.get_function_address(function.symbol)),
                )

    def __getattr__(self, name: str) -> NativeFunction:
        raise AttributeError(f"no compiled function {name}: only functions of the loaded module itself can be called")

    def enter(self, address: int, words: list[int], floats: list[int]) -> tuple[list[int], list[int]]:
        """The result registers of a call: two for integers, two for numbers with a point."""
        padding = [0] * (REGISTERS - len(words))
        arguments = (ctypes.c_uint64 * (REGISTERS + FLOAT_REGISTERS))(*words, *padding, *floats)
        results = (ctypes.c_uint64 * 4)()
        self._site.value = None
        self._enter(address, arguments, results)
        if self._site.value:
            site = _Site.from_address(self._site.value)
            message = ctypes.string_at(site.message, site.message_length).decode()
            raise NativeTrap(message, ctypes.string_at(site.file, site.file_length).decode(), site.line)
        return results[:2], results[2:]


def _define_missing(code: bytes) -> None:
    """Whatever else the code names, in assembler text, and this program does not have: who gets there is aborted."""
    process = ctypes.CDLL(None)
    for symbol in read_object(code, 1).symbols:
        if symbol.name and symbol.is_undefined():
            found = getattr(process, symbol.name if symbol.name in MEMORY_FUNCTIONS else MISSING)
            llvm.add_symbol(symbol.name, ctypes.cast(found, ctypes.c_void_p).value)


def _float_bits(kind: FloatType, value: object) -> int:
    number = float(value)  # type: ignore[arg-type]
    packed = struct.pack("<d", number) if kind == F64 else bytes(ctypes.c_float(number)).ljust(8, b"\0")
    return int.from_bytes(packed, "little")


def _float_of_bits(kind: FloatType, bits: int) -> float:
    packed = bits.to_bytes(8, "little")
    return float(struct.unpack("<d", packed)[0] if kind == F64 else struct.unpack("<f", packed[:4])[0])


def _to_words(kind: Type, value: object, alive: list[object]) -> list[int]:
    match kind:
        case IntType(bits=bits):
            number = int(value)  # type: ignore[call-overload]
            if not kind.holds(number):
                raise OverflowError(f"{number} does not fit {kind}")
            return [number & ((1 << 64) - 1)] if bits <= 64 else [number & ((1 << 64) - 1), number >> 64]
        case BoolType():
            return [int(bool(value))]
        case EnumType():
            return [int(value)]  # type: ignore[call-overload]
        case SpanType() | StrType():
            return _slice_words(value, alive)
        case PtrType() | FuncType():
            return [_address(value, alive)]
    raise TypeError(f"a {kind} cannot be passed from Python")


def _slice_words(value: object, alive: list[object]) -> list[int]:
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        value = bytearray(value)
    if isinstance(value, bytearray):
        buffer = (ctypes.c_char * max(1, len(value))).from_buffer(value if value else bytearray(1))
        alive.append(buffer)
        return [ctypes.addressof(buffer), len(value)]
    if isinstance(value, ctypes.Array):
        alive.append(value)
        return [ctypes.addressof(value), len(value)]
    raise TypeError(f"a span is passed as bytes, bytearray or a ctypes array, not {type(value).__name__}")


def _address(value: object, alive: list[object]) -> int:
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    if isinstance(value, bytearray):
        return _slice_words(value, alive)[0]
    alive.append(value)
    return ctypes.addressof(value)  # type: ignore[arg-type]


def _from_words(kind: Type, words: list[int], floats: list[int]) -> Any:
    """A result from the registers that it came in; a tuple takes the next of their kind for each item."""
    match kind:
        case IntType(bits=128):
            return kind.wrap(words[0] | words[1] << 64)
        case IntType():
            return kind.wrap(words[0])
        case BoolType():
            return bool(words[0] & 1)
        case EnumType(of=of):
            return of.wrap(words[0])
        case FloatType():
            return _float_of_bits(kind, floats[0])
        case PtrType() | FuncType():
            return words[0]
        case TupleType(items=(first, second)):
            if isinstance(first, FloatType):
                return _from_words(first, words, floats), _from_words(second, words, floats[1:])
            return _from_words(first, words, floats), _from_words(second, words[1:], floats)
    if kind in (NONE, NEVER):
        return None
    raise TypeError(f"a {kind} cannot be returned to Python")


@functools.cache
def load_module(
    name: str,
    *,
    profile: str = "debug",
    opt: int = 2,
    bounds_checks: bool = True,
    cpu: str = "",
    before_atomic: str = "",
    root: Path | None = None,
) -> NativeModule:
    """Compiles the module and what it imports, and loads it into this process.

    `cpu` is this machine's unless named. `before_atomic` names a function, without arguments and result, that is
    called before each atomic access: a test that chooses between threads of its own at these points sees every order.
    """
    job = Build(root or Path.cwd(), name, "host", profile, opt=opt, bounds_checks=bounds_checks, cpu=cpu)
    program = job.check()
    options = EmitOptions(profile == "debug", bounds_checks, visible_module=name, before_atomic=before_atomic)
    text = emit_program(program, job.machine, options)
    return NativeModule(program, name, job.generate([text])[0])
