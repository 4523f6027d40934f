"""Checks that need the whole program: what escapes, what recurses, which locks are held where.

Input law: a program without diagnostics. Output law: the same program, or diagnostics.
"""

from __future__ import annotations

from compiler.call_graph import CallGraph, call_graph
from compiler.check import Program
from compiler.check_contexts import check_contexts
from compiler.check_escape import check_escape
from compiler.check_locks import check_locks
from compiler.entrances import note_entrances
from compiler.errors import CompileError, Diagnostics, Label

FIXED_STACK = ("kernel", "loader", "uefi")
"""Targets whose stack cannot grow."""


def check_program(program: Program, target: str, diagnostics: Diagnostics) -> None:
    graph = call_graph(program)
    note_entrances(program, graph)
    check_escape(graph, diagnostics)
    if target in FIXED_STACK:
        _check_recursion(graph, diagnostics)
    check_locks(program, graph, diagnostics)
    check_contexts(graph, diagnostics)
    diagnostics.raise_if_any()


def _check_recursion(graph: CallGraph, diagnostics: Diagnostics) -> None:
    for way in graph.cycles():
        if any("bounded_recursion" in function.decorators for function, _ in way):
            continue
        first, at = way[0]
        names = " -> ".join([*(function.name for function, _ in way), first.name])
        labels = tuple(Label(span, f"{function.name} goes on here") for function, span in way[1:])
        error = CompileError(
            "recursion",
            f"the stack has a fixed size, and this may not end: {names}",
            at,
            labels=labels,
            hint="write a loop, or mark one of them @bounded_recursion(n) where n is the deepest nesting",
        )
        diagnostics.add(error)
