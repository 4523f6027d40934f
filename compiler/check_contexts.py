"""Where functions may be called: page faults and interrupts.

`@may_fault`: touches memory that may be absent; not under a lock, not with interrupts off. Its callers may fault too.
`@irqs_off`: runs with interrupts off; called from such functions, from interrupt handlers, or inside a `with` whose
`__enter__` is marked so.
"""

from __future__ import annotations

from compiler.call_graph import CallGraph
from compiler.errors import CompileError, Diagnostics, Label
from compiler.lock_names import is_lock
from compiler.source import Span
from compiler.symbols import Function
from compiler.tree import Call, With
from compiler.tree_walk import Node, children
from compiler.type_model import StructType


def check_contexts(graph: CallGraph, diagnostics: Diagnostics) -> None:
    faulting = _faulting(graph)
    for function, body in graph.bodies.items():
        if not any(callee in faulting or "irqs_off" in callee.decorators for callee, _ in graph.calls[function]):
            continue
        quiet = "irqs_off" in function.decorators or "interrupt" in function.decorators
        for statement in body.statements:
            _Visitor(faulting, diagnostics, function).visit(statement, None, quiet)


def _faulting(graph: CallGraph) -> dict[Function, tuple[Function, Span] | None]:
    """Functions that may fault, each with the call that makes it so."""
    found: dict[Function, tuple[Function, Span] | None] = {
        function: None for function in graph.bodies if "may_fault" in function.decorators
    }
    pending = list(found)
    callers: dict[Function, list[tuple[Function, Span]]] = {}
    for function, calls in graph.calls.items():
        for callee, span in calls:
            callers.setdefault(callee, []).append((function, span))
    for callee in pending:
        for function, span in callers.get(callee, ()):
            if function not in found:
                found[function] = (callee, span)
                pending.append(function)
    return found


class _Visitor:
    def __init__(
        self, faulting: dict[Function, tuple[Function, Span] | None], diagnostics: Diagnostics, function: Function
    ) -> None:
        self.faulting, self.diagnostics, self.function = faulting, diagnostics, function

    def visit(self, node: Node, lock: Span | None, quiet: bool) -> None:
        if isinstance(node, Call):
            self.call(node, lock, quiet)
        if isinstance(node, With):
            for part in node.enter:
                self.visit(part, lock, quiet)
            lock = node.span if is_lock(node.manager.type) else lock
            quiet = quiet or _turns_irqs_off(node)
            for part in node.body:
                self.visit(part, lock, quiet)
            return
        for child in children(node):
            self.visit(child, lock, quiet)

    def call(self, node: Call, lock: Span | None, quiet: bool) -> None:
        callee = node.function
        if callee in self.faulting and lock is not None:
            label = Label(lock, "the lock is held from here")
            self.report(node, f"{callee.name} may fault, and a lock is held", callee, label)
        elif callee in self.faulting and quiet:
            label = Label(self.function.span, "interrupts are off here")
            self.report(node, f"{callee.name} may fault, and interrupts are off", callee, label)
        if "irqs_off" in callee.decorators and not quiet and callee.name != "__enter__":
            error = CompileError(
                "context",
                f"{callee.name} runs with interrupts off only",
                node.span,
                labels=(Label(callee.span, "marked @irqs_off here"),),
                hint=f"mark {self.function.name} @irqs_off, or call it inside a with that turns them off",
            )
            self.diagnostics.add(error)

    def report(self, node: Call, message: str, callee: Function, label: Label) -> None:
        labels = [label]
        at = self.faulting[callee]
        while at is not None:
            labels.append(Label(at[1], f"{at[0].name} may fault"))
            at = self.faulting[at[0]]
        hint = "copy from user memory before, and act after"
        self.diagnostics.add(CompileError("context", message, node.span, labels=tuple(labels), hint=hint))


def _turns_irqs_off(node: With) -> bool:
    kind = node.manager.type
    method = kind.methods.get("__enter__") if isinstance(kind, StructType) else None
    return isinstance(method, Function) and "irqs_off" in method.decorators
