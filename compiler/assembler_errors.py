"""Where in the sources a mistake in assembler text is.

LLVM ends its process at the first such mistake and knows no source lines; so the assembler functions are tried in ever
smaller groups until the wrong ones are alone.
"""

from __future__ import annotations

import ast
import re

from compiler.check import Program
from compiler.emit import EmitOptions, ModuleEmitter, Part
from compiler.errors import Diagnostic
from compiler.target import AssemblerError, Target, generate_objects
from compiler.tree import Body

_PLACE = re.compile(r"<inline asm>:(\d+):\d+: (?:error: )?(.*)")


def locate_mistakes(program: Program, target: Target, options: EmitOptions) -> list[Diagnostic]:
    """One for each assembler function that LLVM refuses; none when the mistake is elsewhere."""
    bodies = [body for body in program.bodies if body.assembler is not None]
    modules = [_as_module(body, program, target, options) for body in bodies]
    return [_diagnostic(bodies[index], message) for index, message in _refused(range(len(bodies)), modules, target)]


def _as_module(body: Body, program: Program, target: Target, options: EmitOptions) -> str:
    emitter = ModuleEmitter(program, target, options, Part([body], [], []))
    emitter.generate({})
    return emitter.text({body.function})


def _refused(indices: range, modules: list[str], target: Target) -> list[tuple[int, str]]:
    try:
        generate_objects([modules[index] for index in indices], target, opt=0)
    except AssemblerError as error:
        if len(indices) == 1:
            return [(indices[0], str(error))]
        middle = len(indices) // 2
        return _refused(indices[:middle], modules, target) + _refused(indices[middle:], modules, target)
    return []


def _diagnostic(body: Body, message: str) -> Diagnostic:
    function = body.function
    place = _PLACE.search(message)
    if place is None:
        return Diagnostic("assembler", message, function.span)
    line, words = int(place[1]) - 1, place[2]  # LLVM begins the text with a line of its own
    statement = _statement_of(function.node, line)
    span = function.module.span(statement) if statement is not None else function.span
    text = (body.assembler or "").split("\n")[line - 1 : line]
    return Diagnostic("assembler", f"the assembler refuses this: {words}", span, here=text[0] if text else "")


def _statement_of(function: ast.FunctionDef | ast.AsyncFunctionDef, line: int) -> ast.stmt | None:
    """The statement that made a line of the text: each makes one, `raw` as many as it holds."""
    at = 0
    for statement in function.body:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Name(id="raw"), args=[ast.Constant(value=str(text))])):
                at += text.count("\n") + 1
            case ast.Expr(value=ast.Call()):
                at += 1
        if at >= line:
            return statement
    return None
