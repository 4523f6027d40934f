"""Class bodies to structs: C layout, bit-fields that share a storage unit, unions, methods."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import compiler.annotations as type_annotations
import compiler.constant as constant
import compiler.declare as declare
import compiler.protocols as protocols
from compiler.environment import Environment
from compiler.errors import REPORTED, CompileError
from compiler.modules import Module
from compiler.symbols import Binding
from compiler.type_model import ERROR, NEVER, NONE, BitsType, Field, StructType, Type, round_up


def declare_struct(module: Module, node: ast.ClassDef, bindings: dict[str, Binding]) -> StructType:
    env = Environment(module, bindings)
    options = _struct_options(module, node, env)
    name = f"{module.name}.{node.name}"
    if bindings:
        name += "[" + ",".join(str(b) for b in bindings.values()) + "]"
    return StructType(name, lambda struct: _lay_out(struct, module, node, env, options))


def _struct_options(module: Module, node: ast.ClassDef, env: Environment) -> dict[str, int]:
    options: dict[str, int] = {}
    seen = False
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = env.builtin_of(call.func if call else decorator)
        if name not in ("struct", "union", "protocol"):
            text = ast.unparse(call.func if call else decorator)
            code = REPORTED if text in module.failed else "decorator"
            raise module.error(code, f"@{text} does not apply to a class", decorator, hint="use @struct")
        seen = True
        options["union"] = name == "union"
        for keyword in call.keywords if call else ():
            if keyword.arg == "version" and name == "protocol":
                options["version"] = int(constant.evaluate(keyword.value, env))
                continue
            if keyword.arg not in ("packed", "align", "size"):
                raise module.error("decorator", f"@{name} takes packed, align and size, not {keyword.arg}", keyword)
            options[keyword.arg] = int(constant.evaluate(keyword.value, env))
    if not seen:
        raise module.error(
            "class", f"class {node.name} is neither a struct nor an enum", node, hint="put @struct above it"
        )
    return options


def _lay_out(struct: StructType, module: Module, node: ast.ClassDef, env: Environment, options: dict[str, int]) -> None:
    packed, union = bool(options.get("packed")), bool(options.get("union"))
    struct.is_union = union
    struct.set_layout({}, -1, 1)  # seen by a field of the struct's own type
    fields: dict[str, Field] = {}
    end, align, previous = 0, 1, None
    for statement, guard in _field_statements(module, node.body, env):
        assert isinstance(statement.target, ast.Name)
        field_type = _field_type_or_error(module, struct, statement, env)
        name = statement.target.id
        if name in fields:
            raise module.error("redefined", f"field {name} is defined twice", statement)
        if field_type == NONE:
            struct.nothings[name] = Field(name, NONE, 0, None, guard, env)
            continue
        if not union and _shares_unit(previous, field_type):
            assert previous is not None
            offset = previous.offset
        else:
            offset = 0 if union else (end if packed else round_up(end, field_type.align))
        fields[name] = previous = Field(name, field_type, offset, statement.value, guard, env)
        end = max(end, offset + field_type.size)
        align = max(align, 1 if packed else field_type.align)
    align = max(align, options.get("align", 1))
    size = round_up(end, align)
    if "size" in options:
        if options["size"] < size:
            raise module.error("struct", f"{node.name} has {size} bytes, more than size={options['size']}", node)
        size = options["size"]
    struct.set_layout(fields, size, align)
    if "version" in options:
        module.project.protocols[struct.name] = protocols.fill_client(module, node, options["version"])
    for member in node.body:
        if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
            try:
                struct.methods[member.name] = declare.declare_function(module, member, struct, dict(env.bindings))
            except CompileError as error:
                module.project.diagnostics.add(error)
        elif not isinstance(member, ast.AnnAssign | ast.With | ast.Pass) and not _is_text(member):
            raise module.error("struct", "a struct holds fields (name: type) and methods", member)


def _field_type_or_error(module: Module, struct: StructType, statement: ast.AnnAssign, env: Environment) -> Type:
    try:
        return _field_type(module, struct, statement, env)
    except CompileError as error:
        module.project.diagnostics.add(error)
        return ERROR


def _field_type(module: Module, struct: StructType, statement: ast.AnnAssign, env: Environment) -> Type:
    found = type_annotations.resolve_type(statement.annotation, env)
    is_variable = isinstance(statement.annotation, ast.Name) and statement.annotation.id in env.bindings
    if found == NEVER or (found == NONE and not is_variable):
        raise module.error("struct", f"a field cannot be {found}", statement)
    if found.size < 0:
        raise module.error("struct", f"{struct} contains itself", statement, hint=f"use ptr[{found}]")
    return found


def _shares_unit(previous: Field | None, current: Type) -> bool:
    """A bit-field joins the unit of the one before it when its bits lie above."""
    return (
        previous is not None
        and isinstance(previous.type, BitsType)
        and isinstance(current, BitsType)
        and previous.type.unit == current.unit
        and current.low >= previous.type.low + previous.type.width
    )


def _field_statements(
    module: Module, body: list[ast.stmt], env: Environment, guard: str = ""
) -> Iterator[tuple[ast.AnnAssign, str]]:
    """Fields in order with the lock that guards them, those of `with guarded_by("lock"):` blocks included."""
    for statement in body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement, guard
        elif isinstance(statement, ast.With):
            yield from _field_statements(module, statement.body, env, _guard(module, statement, env))


def _guard(module: Module, statement: ast.With, env: Environment) -> str:
    call = statement.items[0].context_expr
    if not isinstance(call, ast.Call) or env.builtin_of(call.func) != "guarded_by" or len(call.args) != 1:
        raise module.error("struct", 'a with in a struct is: with guarded_by("lock"):', call)
    guard = constant.evaluate(call.args[0], env)
    if not isinstance(guard, str):
        raise module.error("struct", "guarded_by takes the lock's name as a string", call)
    return guard


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
