"""The deepest use of stack below each entry point, from the call graph and the frames of a linked image.

A function that LLVM inlined has no symbol; its frame is part of its caller's. The functions of a cycle count as often
as its `@bounded_recursion` allows. Calls through pointers reach what function_pointers tells.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.call_graph import CallGraph, call_graph, components
from compiler.check import Program
from compiler.symbols import Function

RETURN_ADDRESS = 8
ENTRY_DECORATORS = ("export", "interrupt", "panic_handler")


@dataclass(frozen=True)
class Depth:
    entry: Function
    bytes: int
    chain: tuple[Function, ...]  # the calls that lead to the deepest point

    def text(self) -> str:
        return f"{self.bytes:>8}  {self.entry.symbol}\n" + "".join(
            f"{'':>10}{function.symbol}\n" for function in self.chain[1:]
        )


def call_depths(program: Program, frames: dict[str, int]) -> list[Depth]:
    """Entry points with their depth in bytes, deepest first; `frames` is bytes by symbol."""
    graph = call_graph(program)
    measure = _Measure(graph, frames)
    depths = []
    for entry in _entries(program, graph):
        size, chain = measure.below(entry)
        depths.append(Depth(entry, size, chain))
    return sorted(depths, key=lambda depth: (-depth.bytes, depth.entry.symbol))


def _entries(program: Program, graph: CallGraph) -> list[Function]:
    named = {r for body in program.bodies for r in body.references} | set(program.references)
    called = {callee for function in graph.bodies for callee in graph.callees(function) if callee is not function}
    return [
        function
        for function in graph.bodies
        if any(decorator in function.decorators for decorator in ENTRY_DECORATORS)
        or (function in named and function not in called)
    ]


class _Measure:
    def __init__(self, graph: CallGraph, frames: dict[str, int]) -> None:
        self.graph, self.frames = graph, frames
        self.known: dict[Function, tuple[int, tuple[Function, ...]]] = {}
        self.open: list[Function] = []
        self.rounds = {function: self._round(group) for group in components(graph.calls) for function in group}

    def _round(self, group: set[Function]) -> int:
        """Bytes of all rounds but the first of a cycle that may be gone through several times."""
        bounds = [f.decorators["bounded_recursion"] for f in group if "bounded_recursion" in f.decorators]
        times = max((int(bound) for bound in bounds if isinstance(bound, int)), default=1)
        return (times - 1) * sum(self._own(function) for function in group)

    def _own(self, function: Function) -> int:
        return self.frames[function.symbol] + RETURN_ADDRESS if function.symbol in self.frames else 0

    def below(self, function: Function) -> tuple[int, tuple[Function, ...]]:
        """Bytes from the function's return address down to the deepest point, and the way there."""
        if function in self.known:
            return self.known[function]
        self.open.append(function)
        deepest: tuple[int, tuple[Function, ...]] = (0, ())
        for callee in self.graph.callees(function):
            if callee not in self.open:
                deepest = max(deepest, self.below(callee), key=lambda found: found[0])
        self.open.pop()
        size = self._own(function) + deepest[0]
        if "bounded_recursion" in function.decorators:
            size += self.rounds.get(function, 0)
        self.known[function] = (size, (function, *deepest[1]))
        return self.known[function]
