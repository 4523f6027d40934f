"""No pointer to a local outlives its function: it is not returned, nor stored where it stays, here or by a callee.

An async function may leave a pointer to its own frame behind while it waits; it must take it back before it ends. A
function that never returns keeps its locals. Calls through pointers and assembler functions are not followed.
Input law: checked bodies. `escape_flow` tells where pointers point.
"""

from __future__ import annotations

from compiler.call_graph import CallGraph
from compiler.errors import CompileError, Diagnostics, Label
from compiler.escape_flow import OUTSIDE, PointerFlow, Summary, Target, carries, root
from compiler.source import Span
from compiler.symbols import Function
from compiler.tree import (
    Assign,
    AtomicOperation,
    Body,
    Call,
    Expr,
    Local,
    Place,
    Return,
    TupleMake,
    Unpack,
)
from compiler.tree_walk import Node, nodes_of
from compiler.type_model import NEVER

STORING = ("store", "exchange", "cas", "compare_exchange")
HINT = "make it module data, or let the caller pass the place"


def check_escape(graph: CallGraph, diagnostics: Diagnostics) -> None:
    bodies = [body for body in graph.bodies.values() if body.function.result != NEVER and body.assembler is None]
    summaries = {body.function: Summary() for body in bodies if not body.function.is_async}
    passes = {body.function: _Pass(body, summaries) for body in bodies}
    callers: dict[Function, set[Function]] = {}
    for body in bodies:
        for callee, _ in graph.calls[body.function]:
            callers.setdefault(callee, set()).add(body.function)
    pending = dict.fromkeys(passes)
    while pending:
        function, _ = pending.popitem()
        if passes[function].run():
            pending |= dict.fromkeys(callers.get(function, ()))
    for each in passes.values():
        each.report(diagnostics)


class _Pass:
    """One function, looked at again whenever more is known of what it calls."""

    def __init__(self, body: Body, summaries: dict[Function, Summary]) -> None:
        self.body, self.summaries = body, summaries
        self.flow = PointerFlow(summaries)
        self.own = summaries.get(body.function, Summary())
        self.nodes = [node for node in nodes_of(body) if _matters(node)]
        self.found: dict[tuple[Span, Local], tuple[str, Label | None]] = {}
        for local in body.locals:
            if local.argument >= 0 and carries(local.type) and not local.type.is_aggregate:
                self.flow.hold(local, {local.argument})

    def run(self) -> bool:
        """Whether the function's summary has grown."""
        before = self._size()
        self.is_news = True
        while self.is_news:
            self.is_news = False
            for node in self.nodes:
                self._look_at(node)
        return self._size() != before

    def _size(self) -> tuple[int, int]:
        return sum(map(len, self.own.kept.values())), len(self.own.returned)

    def _look_at(self, node: Node) -> None:
        match node:
            case Assign(place=place, value=value):
                self._store(place, self.flow.targets(value), value)
            case Unpack(value=TupleMake(items=items), places=places):
                for part, item in zip(places, items, strict=True):
                    if part is not None:
                        self._store(part, self.flow.targets(item), item)
            case Unpack(value=value, places=places):
                for part in places:
                    if part is not None and carries(part.type):
                        self._store(part, self.flow.targets(value), value)
            case AtomicOperation(place=place, arguments=arguments):
                self._store(place, self.flow.targets(arguments[-1]), arguments[-1])
            case Return(value=Expr() as value):
                for target in self.flow.targets(value):
                    if isinstance(target, Local):
                        self._escapes(value, target, "", None)
                    else:
                        self.own.returned.add(target)
            case Call(function=callee, arguments=arguments) if callee in self.summaries:
                self._call(callee, arguments)

    def _call(self, callee: Function, arguments: list[Expr]) -> None:
        for position, places in list(self.summaries[callee].kept.items()):
            targets = self.flow.targets(arguments[position])
            for place, at in list(places.items()) if targets else ():
                into = self.flow.targets(arguments[place]) if place != OUTSIDE else set()
                label = Label(at, f"{callee.name} keeps it here")
                self._leave(targets, into, arguments[position], f"{callee.name} keeps a pointer to it", label)

    def _store(self, place: Place, targets: set[Target], value: Expr) -> None:
        if not targets:
            return
        local = root(place)
        if local is not None:
            self.is_news |= self.flow.hold(local, targets)
        else:
            self._leave(targets, self.flow.pointed_at(place), value, "a pointer to it would stay behind", None)

    def _leave(self, targets: set[Target], into: set[Target], value: Expr, what: str, label: Label | None) -> None:
        """Pointers to the targets go into what `into` names; into anything when that is empty."""
        if into and all(isinstance(holder, Local) for holder in into):
            for holder in into:
                assert isinstance(holder, Local)
                self.is_news |= self.flow.hold(holder, targets)
            return
        parameters = [holder for holder in into if not isinstance(holder, Local)] or [OUTSIDE]
        for target in targets:
            if isinstance(target, Local):
                self._escapes(value, target, what, label)
                continue
            known = self.own.kept.setdefault(target, {})
            for holder in parameters:
                if holder != target:
                    known.setdefault(holder, value.span)

    def _escapes(self, value: Expr, target: Local, what: str, label: Label | None) -> None:
        if what and self.body.function.is_async:
            return  # the local lives in the coroutine's frame; whoever waits takes its node out in a `finally`
        self.found.setdefault((value.span, target), (what, label))

    def report(self, diagnostics: Diagnostics) -> None:
        for (span, target), (what, label) in self.found.items():
            message = f"{target.name} ends with {self.body.function.name}" + (f"; {what}" if what else "")
            labels = [Label(target.span, f"{target.name} lives on the stack")] if target.span.line else []
            labels += [label] if label is not None else []
            diagnostics.add(CompileError("escape", message, span, labels=tuple(labels), hint=HINT))


def _matters(node: Node) -> bool:
    """Whether a node can move a pointer."""
    match node:
        case Assign(value=value):
            return carries(value.type)
        case Unpack():
            return True
        case Return(value=Expr() as value):
            return carries(value.type)
        case AtomicOperation(name=name, arguments=arguments):
            return name in STORING and carries(arguments[-1].type)
        case Call(arguments=arguments):
            return any(carries(argument.type) for argument in arguments)
    return False
