"""A program as one LLVM module for each of its own modules: what has not changed need not be compiled again.

Output law: linked together, the parts are the program. A definition is visible outside its part only when another part
or assembler text names it; code that is inlined is copied into each part that uses it.
"""

from __future__ import annotations

import re

from compiler.check import Program
from compiler.emit import EmitOptions, ModuleEmitter, Part, assembler_references
from compiler.target import Target

_LABEL = re.compile(r"(?:^|;)[ \t]*([A-Za-z_][\w.$]*):", re.MULTILINE)


def emit_parts(program: Program, target: Target, options: EmitOptions) -> list[str]:
    bodies = {body.function: body for body in program.bodies}
    emitters = [ModuleEmitter(program, target, options, part) for part in _split(program)]
    for emitter in emitters:
        emitter.generate(bodies)
    shared = set(assembler_references(program))
    for emitter in emitters:
        shared.update(emitter.foreign)
    return [emitter.text(shared) for emitter in emitters]


def _split(program: Program) -> list[Part]:
    """One part for each module, by name; all assembler blocks go into the first, with labels that all parts see."""
    parts: dict[str, Part] = {}
    for body in program.bodies:
        parts.setdefault(body.function.module.name, Part([], [], [])).bodies.append(body)
    for data, value in program.data:
        parts.setdefault(data.module.name, Part([], [], [])).data.append((data, value))
    ordered = [parts[name] for name in sorted(parts)]
    ordered[0].assembler.extend(_with_global_labels(block) for block in program.assembler)
    return ordered


def _with_global_labels(block: str) -> str:
    labels = dict.fromkeys(_LABEL.findall(block))
    return "\n".join([*(f".globl {label}" for label in labels), block])
