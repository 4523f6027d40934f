"""The typed tree as text, for people who want to see what the checker made of a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from compiler.check import Program
from compiler.symbols import ExceptionSymbol, Function, GlobalVar
from compiler.tree import Body, Expr, Local, Statement
from compiler.type_model import Field, Type


def typed_text(program: Program) -> Iterator[str]:
    """Lines of text: module data, then every function."""
    for data, value in program.data:
        yield f"data {data.symbol}: {data.type} = {_text(value)}"
    for body in program.bodies:
        yield ""
        yield from _body(body)


def _body(body: Body) -> Iterator[str]:
    function = body.function
    params = ", ".join(f"{param.name}: {param.type}" for param in function.params)
    yield f"def {function.symbol}({params}) -> {function.result}    # {function.span}"
    for local in body.locals:
        if local.argument < 0:
            yield f"    local {local.name}: {local.type}"
    if body.assembler is not None:
        yield from (f"    {line}" for line in body.assembler.split("\n"))
    yield from _block(body.statements, "    ")


def _block(statements: list[Statement], indent: str) -> Iterator[str]:
    for statement in statements:
        blocks = []
        words = [type(statement).__name__]
        for name in _field_names(statement):
            part = getattr(statement, name)
            if _is_block(part):
                blocks.append((name, part))
            else:
                words.append(f"{name}={_text(part)}")
        yield f"{indent}{' '.join(words)}"
        for name, block in blocks:
            yield f"{indent}  {name}:"
            yield from _block(block, indent + "    ")


def _is_block(part: object) -> bool:
    return isinstance(part, list) and bool(part) and isinstance(part[0], Statement)


def _text(part: object) -> str:
    match part:
        case Expr():
            inside = ", ".join(_text(getattr(part, name)) for name in _field_names(part))
            return f"{type(part).__name__}:{part.type}({inside})"
        case Local():
            return part.name
        case Field():
            return f".{part.name}"
        case Function() | GlobalVar():
            return part.symbol
        case ExceptionSymbol():
            return part.name
        case Type():
            return str(part)
        case list() | tuple():
            return "[" + ", ".join(_text(item) for item in part) + "]"
    if is_dataclass(part) and not isinstance(part, type):
        return f"{type(part).__name__}({', '.join(_text(getattr(part, name)) for name in _field_names(part))})"
    return repr(part)


def _field_names(node: object) -> list[str]:
    assert is_dataclass(node)
    return [field.name for field in fields(node) if field.name not in ("type", "span")]
