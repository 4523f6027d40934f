"""Where in the sources a mistake in assembler text is.

LLVM ends its process at the first such mistake and knows no source lines; so the assembler functions are tried in ever
smaller groups until the wrong ones are alone, and these without the lines that were found wrong.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace

from compiler.assembler import lines_of
from compiler.check import Program
from compiler.emit import EmitOptions, ModuleEmitter, Part
from compiler.errors import Diagnostic
from compiler.target import AssemblerError, Target, generate_objects
from compiler.tree import Body

_PLACE = re.compile(r"<inline asm>:(\d+):\d+: (?:error: )?(.*)")


def locate_mistakes(program: Program, target: Target, options: EmitOptions) -> list[Diagnostic]:
    """All mistakes of all assembler functions that LLVM refuses; none when the mistake is elsewhere."""
    bodies = [body for body in program.bodies if body.assembler is not None]
    search = _Search(program, target, options)
    return [found for body in search.refused(bodies) for found in search.mistakes(body)]


@dataclass(frozen=True)
class _Search:
    program: Program
    target: Target
    options: EmitOptions

    def refused(self, bodies: list[Body]) -> list[Body]:
        """Those of the functions that LLVM refuses."""
        if self.message(bodies) is None:
            return []
        if len(bodies) == 1:
            return bodies
        middle = len(bodies) // 2
        return self.refused(bodies[:middle]) + self.refused(bodies[middle:])

    def message(self, bodies: list[Body]) -> str | None:
        """What LLVM says of some functions; None when it takes them."""
        modules = []
        for body in bodies:
            emitter = ModuleEmitter(self.program, self.target, self.options, Part([body], [], []))
            emitter.generate({})
            modules.append(emitter.text({body.function}))
        try:
            generate_objects(modules, self.target, opt=0)
        except AssemblerError as error:
            return str(error)
        return None

    def mistakes(self, body: Body) -> list[Diagnostic]:
        """Each line that LLVM refuses is left out, until it takes the rest."""
        lines = (body.assembler or "").split("\n")
        found: list[Diagnostic] = []
        while (message := self.message([replace(body, assembler="\n".join(lines))])) is not None:
            place = _PLACE.search(message)
            at = int(place[1]) - 2 if place is not None else -1  # LLVM begins the text with a line of its own
            if place is None or not 0 <= at < len(lines) or not lines[at]:
                # Of the function as a whole: where lines were left out, that may be what is missing now.
                return found or [Diagnostic("assembler", message, body.function.span)]
            statement = _statement_of(body.function.node, at + 1)
            span = body.function.module.span(statement) if statement is not None else body.function.span
            found.append(Diagnostic("assembler", f"the assembler refuses this: {place[2]}", span, here=lines[at]))
            lines[at] = ""
        return found


def _statement_of(function: ast.FunctionDef | ast.AsyncFunctionDef, line: int) -> ast.stmt | None:
    """The statement that made a line of the text, counted from 1."""
    at = 0
    for statement in function.body:
        at += lines_of(statement)
        if at >= line:
            return statement
    return None
