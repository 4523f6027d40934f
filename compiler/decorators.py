"""Decorators of functions: their names, and what stands in their parentheses."""

from __future__ import annotations

import ast

import compiler.constant as constant
from compiler.builtin_names import CLASS_DECORATORS, DECORATORS
from compiler.environment import Environment
from compiler.modules import Module
from compiler.symbols import FunctionNode

HINTS = {
    "staticmethod": "write a function at module level",
    "classmethod": "write a function at module level",
    "property": "write a method and call it",
    "dataclass": "use @struct",
}
ARGUMENTS: dict[str, tuple[type, str]] = {
    "section": (str, '@section(".text.boot")'),
    "export": (str, '@export, or @export("name")'),
    "bounded_recursion": (int, "@bounded_recursion(n), where n is the deepest nesting"),
    "requires": (str, '@requires("object.lock")'),
    "excludes": (str, '@excludes("object.lock")'),
}
"""What the arguments of a decorator are, and how it is written; all others take none."""
MAY_STAND_ALONE = ("export",)


def function_decorators(module: Module, node: FunctionNode, env: Environment) -> dict[str, object]:
    """Decorators by name, with an argument, several as a tuple, or an empty string."""
    found: dict[str, object] = {}
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = env.builtin_of(call.func if call else decorator)
        text = ast.unparse(decorator)
        if name in CLASS_DECORATORS:
            raise module.error("decorator", f"@{text} does not apply to a function", decorator)
        if name not in DECORATORS:
            hint = HINTS.get(text, "")
            raise module.error("decorator", f"@{text} is not a decorator of the language", decorator, hint=hint)
        arguments = _arguments(module, name, decorator, env)
        found[name] = arguments[0] if len(arguments) == 1 else (arguments or "")
    return found


def _arguments(module: Module, name: str, decorator: ast.expr, env: Environment) -> tuple[object, ...]:
    given = decorator.args if isinstance(decorator, ast.Call) else []
    kind, shape = ARGUMENTS.get(name, (str, f"@{name}"))
    if name not in ARGUMENTS and isinstance(decorator, ast.Call):
        raise module.error("decorator", f"@{name} takes nothing in parentheses", decorator, hint=f"write {shape}")
    values = tuple(constant.evaluate(argument, env) for argument in given)
    if name in ARGUMENTS and not values and name not in MAY_STAND_ALONE:
        raise module.error("decorator", f"@{name} takes a value", decorator, hint=f"write {shape}")
    for value, argument in zip(values, given, strict=True):
        if not isinstance(value, kind) or isinstance(value, bool) or value == 0:
            what = "a text" if kind is str else "a number above 0"
            raise module.error("decorator", f"@{name} takes {what}", argument, hint=f"write {shape}")
    return values
