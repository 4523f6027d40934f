"""Who calls whom in a checked program: direct calls, calls through pointers, what assembler text names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from compiler.check import Program
from compiler.function_pointers import FunctionPointers
from compiler.source import Span
from compiler.symbols import Function
from compiler.tree import Binary, Body, Call, Expr, IndirectCall
from compiler.tree_walk import nodes_of
from compiler.type_model import divides_wide


@dataclass
class CallGraph:
    bodies: dict[Function, Body] = field(default_factory=dict)
    calls: dict[Function, list[tuple[Function, Span]]] = field(default_factory=dict)
    indirect: dict[Function, list[Expr]] = field(default_factory=dict)  # the pointers that each function calls through
    pointers: FunctionPointers = field(default_factory=FunctionPointers)

    def callees(self, function: Function) -> Iterator[Function]:
        """Every function that may run directly below this one, each once, those behind pointers included."""
        seen = {callee for callee, _ in self.calls.get(function, ())}
        for pointer in self.indirect.get(function, ()):
            seen.update(self.pointers.reached(function, pointer))
        yield from sorted(seen, key=lambda f: f.symbol)

    def cycles(self) -> list[list[tuple[Function, Span]]]:
        """Groups of functions that reach each other by direct calls, as one way round each: (function, call on)."""
        return [way for group in components(self.calls) if (way := self._way_round(group))]

    def _way_round(self, group: set[Function]) -> list[tuple[Function, Span]]:
        start = min(group, key=lambda f: (f.span.file.path, f.span.line))
        came: dict[Function, tuple[Function, Span]] = {}
        pending = [start]
        for function in pending:
            for callee, span in self.calls.get(function, ()):
                if callee is start:
                    way = [(function, span)]
                    while way[0][0] is not start:
                        way.insert(0, came[way[0][0]])
                    return way
                if callee in group and callee not in came:
                    came[callee] = (function, span)
                    pending.append(callee)
        return []


def call_graph(program: Program) -> CallGraph:
    graph = CallGraph()
    for body in program.bodies:
        function = body.function
        graph.bodies[function] = body
        calls = graph.calls[function] = []
        calls += [(jumped_to, function.span) for jumped_to in body.jumps]
        for node in nodes_of(body):
            match node:
                case Call(function=callee):
                    calls.append((callee, node.span))
                case Binary(operator="//" | "%", type=kind) if divides_wide(kind):
                    calls += [(division, node.span) for division in program.division.values()]
                case IndirectCall(target=target):
                    graph.indirect.setdefault(function, []).append(target)
            graph.pointers.note(function, node)
    for data, value in program.data:
        if isinstance(value, Expr):
            graph.pointers.note_data(data, value)
    return graph


def components(calls: dict[Function, list[tuple[Function, Span]]]) -> list[set[Function]]:
    """Strongly connected components (Tarjan's algorithm without recursion), callees first."""
    index: dict[Function, int] = {}
    low: dict[Function, int] = {}
    stack: list[Function] = []
    on_stack: set[Function] = set()
    found: list[set[Function]] = []
    for root in calls:
        if root in index:
            continue
        work: list[tuple[Function, Iterator[Function]]] = []

        def enter(function: Function, work: list[tuple[Function, Iterator[Function]]] = work) -> None:
            index[function] = low[function] = len(index)
            stack.append(function)
            on_stack.add(function)
            work.append((function, iter([callee for callee, _ in calls.get(function, ())])))

        enter(root)
        while work:
            function, rest = work[-1]
            callee = next(rest, None)
            if callee is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[function])
                if low[function] == index[function]:
                    group: set[Function] = set()
                    while function not in group:
                        member = stack.pop()
                        on_stack.discard(member)
                        group.add(member)
                    found.append(group)
            elif callee not in index:
                enter(callee)
            elif callee in on_stack:
                low[function] = min(low[function], index[callee])
    return found
