"""Locks: fields under their lock, locks in rank order, what functions require and exclude.

    @struct
    class Queue:
        lock: SpinLock
        with guarded_by("lock"):
            count: u32

A guarded field is touched inside `with queue.lock:`, or in a function marked `@requires("queue.lock")` (in a method,
`@requires("lock")`), which is then called under that lock. `@excludes("lock")` marks a function that takes it itself.
A lock is taken while all locks held have a lower rank; ranks are told by constants stored in a lock's `rank` field.
Private objects (locals) are not checked. A guard that names no field of the struct is a note for readers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.call_graph import CallGraph
from compiler.check import Program
from compiler.errors import CompileError, Diagnostics, Label
from compiler.lock_names import (
    Lock,
    LockClass,
    class_of,
    guard_of,
    is_lock,
    is_private,
    lock_of,
    locks_named,
    parameter_path,
)
from compiler.source import Span
from compiler.symbols import Function
from compiler.tree import Assign, Body, Call, Const, Expr, FieldPlace, GlobalPlace, IndirectCall, StructMake, With
from compiler.tree_walk import Node, children, nodes_of
from compiler.type_model import StructType, Type


def check_locks(program: Program, graph: CallGraph, diagnostics: Diagnostics) -> None:
    checker = _Checker(_ranks(program), _acquired(graph), graph, diagnostics)
    for body in program.bodies:
        checker.check(body)


@dataclass(frozen=True)
class _Held:
    lock: Lock
    span: Span


@dataclass
class _Checker:
    ranks: dict[LockClass, int]
    acquired: dict[Function, dict[LockClass, Span]]
    graph: CallGraph
    diagnostics: Diagnostics
    function: Function = field(init=False)

    def check(self, body: Body) -> None:
        self.function = body.function
        try:
            held = [_Held(lock, body.function.span) for lock in self.required(body.function)]
        except CompileError as error:
            self.diagnostics.add(error)
            return
        if body.function.owner is not None and is_lock(body.function.owner):
            return  # the lock's own methods
        if not held and not any(map(_concerns_locks, nodes_of(body))):
            return
        for statement in body.statements:
            self.visit(statement, held)

    def required(self, function: Function, decorator: str = "requires") -> list[Lock]:
        """The locks that the function's decorators name, as the function itself sees them."""
        found = []
        for name in locks_named(function, decorator):
            path, owner = parameter_path(function, name, None)
            field_name = name.rpartition(".")[2]
            if isinstance(owner, StructType) and field_name in owner.fields:
                found.append(Lock(path, LockClass(owner, field_name)))
                continue
            data = self.module_lock(function, name)
            if data is None:
                hint = 'name a lock of a parameter, as in @requires("queue.lock"), or of the module'
                raise CompileError("lock", f"@{decorator}: there is no lock {name}", function.span, hint=hint)
            found.append(data)
        return found

    def module_lock(self, function: Function, name: str) -> Lock | None:
        for kind in self.ranks:
            owner = kind.owner
            if not isinstance(owner, StructType) and owner.name == name and owner.module is function.module:
                return Lock(owner.symbol, kind)
        return None

    def visit(self, node: Node, held: list[_Held]) -> None:
        match node:
            case With(manager=manager) if is_lock(manager.type):
                for part in node.enter[:-1]:  # the last calls __enter__
                    self.visit(part, held)
                lock = lock_of(manager)
                self.take(lock, node.span, held)
                for part in node.body:
                    self.visit(part, [*held, _Held(lock, node.span)])
                return
            case Call(function=callee):
                self.call(node, callee, held)
            case IndirectCall(target=target):
                for callee in self.graph.pointers.reached(self.function, target):
                    self.call(node, callee, held)
            case FieldPlace(field=touched) if touched.guard:
                self.touch(node, held)
        for child in children(node):
            self.visit(child, held)

    def take(self, lock: Lock, span: Span, held: list[_Held]) -> None:
        for other in held:
            if lock.path and lock.path == other.lock.path:
                label = Label(other.span, "held from here")
                error = CompileError("lock", f"{lock} is already held: this never ends", span, labels=(label,))
                self.diagnostics.add(error)
            elif lock.kind is not None:
                self.order(lock.kind, other, span, f"{lock} is taken", ())

    def order(self, kind: LockClass, other: _Held, span: Span, what: str, labels: tuple[Label, ...]) -> None:
        outer = other.lock.kind
        if outer is None or kind not in self.ranks or outer not in self.ranks or self.ranks[outer] < self.ranks[kind]:
            return
        message = f"{what} (rank {self.ranks[kind]}) while {outer} (rank {self.ranks[outer]}) is held"
        labels = (Label(other.span, f"{outer} is held from here"), *labels)
        hint = "take the lock of the lower rank first, or act after the other is released"
        self.diagnostics.add(CompileError("lock-order", message, span, labels=labels, hint=hint))

    def call(self, node: Call | IndirectCall, callee: Function, held: list[_Held]) -> None:
        if callee.owner is not None and is_lock(callee.owner):
            return
        for name in locks_named(callee, "requires"):
            self.require(node, callee, name, held)
        excluded = [name for name in locks_named(callee, "excludes") if self.exclude(node, callee, name, held)]
        for kind, where in {} if excluded else self.acquired.get(callee, {}).items():
            for other in held:
                label = Label(where, f"{kind} is taken here")
                self.order(kind, other, node.span, f"{callee.name} takes {kind}", (label,))

    def named(self, node: Call | IndirectCall, callee: Function, name: str) -> tuple[str, Type | None, str]:
        """A lock that the callee names: its path and owner as the caller sees them, and the source's words for it."""
        path, owner = parameter_path(callee, name, node.arguments)
        if owner is None:
            data = self.module_lock(callee, name)
            return (data.path if data is not None else ""), None, name
        first, _, rest = name.rpartition(".")
        names = [param.name for param in callee.params]
        position = names.index(first.partition(".")[0]) if first else 0
        text = node.arguments[position].span.text.removeprefix("addr(").removesuffix(")")
        return path, owner, f"{text}.{rest}"

    def require(self, node: Call | IndirectCall, callee: Function, name: str, held: list[_Held]) -> None:
        path, owner, text = self.named(node, callee, name)
        if any(_same(path, owner, name, other.lock) for other in held):
            return
        message = f"{callee.name} requires {text}, which is not held here"
        labels = (Label(callee.span, f'@requires("{name}")'),)
        hint = f"with {text}: around it, or mark {self.function.name} @requires too"
        self.diagnostics.add(CompileError("lock", message, node.span, labels=labels, hint=hint))

    def exclude(self, node: Call | IndirectCall, callee: Function, name: str, held: list[_Held]) -> bool:
        path, owner, text = self.named(node, callee, name)
        if not path or not any(_same(path, owner, name, other.lock) for other in held):
            return False
        message = f"{callee.name} takes {text}, which is already held: this never ends"
        labels = (Label(callee.span, f'@excludes("{name}")'),)
        self.diagnostics.add(CompileError("lock", message, node.span, labels=labels))
        return True

    def touch(self, place: FieldPlace, held: list[_Held]) -> None:
        lock = guard_of(place, place.field)
        if lock is None or is_private(place.base):
            return
        if any(_covers(other.lock, lock) for other in held):
            return
        guard = f"{place.base.span.text}.{place.field.guard}"
        message = f"{place.field.name} is guarded by {guard}, which is not held here"
        hint = f"with {guard}: around it, or mark {self.function.name} @requires"
        self.diagnostics.add(CompileError("unlocked", message, place.span, hint=hint))


def _concerns_locks(node: Node) -> bool:
    match node:
        case With(manager=manager):
            return is_lock(manager.type)
        case Call(function=callee):
            return "requires" in callee.decorators
        case FieldPlace(field=touched):
            return touched.guard != ""
        case IndirectCall():
            return True
    return False


def _covers(held: Lock, wanted: Lock) -> bool:
    if held.path and wanted.path:
        return held.path == wanted.path
    return held.kind == wanted.kind  # places without a name: one lock of the class will do


def _same(path: str, owner: Type | None, name: str, held: Lock) -> bool:
    if path and held.path:
        return path == held.path
    return isinstance(owner, StructType) and held.kind == LockClass(owner, name.rpartition(".")[2])


def _acquired(graph: CallGraph) -> dict[Function, dict[LockClass, Span]]:
    """The classes of locks that a call of each function may take, with a place where it happens."""
    found: dict[Function, dict[LockClass, Span]] = {}
    callers: dict[Function, set[Function]] = {}
    for function, body in graph.bodies.items():
        own = found[function] = {}
        for node in nodes_of(body):
            if isinstance(node, With) and is_lock(node.manager.type):
                kind = class_of(node.manager)
                if kind is not None:
                    own.setdefault(kind, node.span)
        for callee, _ in graph.calls[function]:
            callers.setdefault(callee, set()).add(function)
    pending = [function for function in found if found[function]]
    while pending:
        callee = pending.pop()
        for function in callers.get(callee, ()):
            new = {kind: span for kind, span in found[callee].items() if kind not in found[function]}
            if new:
                found[function] |= new
                pending.append(function)
    return found


def _ranks(program: Program) -> dict[LockClass, int]:
    """The rank of each class of locks, where all constants stored in its `rank` agree."""
    seen: dict[LockClass, set[int]] = {}
    for data, value in program.data:
        if isinstance(value, Expr):
            _ranks_of_value(LockClass(data), data.type, value, seen)
    for body in program.bodies:
        for node in nodes_of(body):
            match node:
                case Assign(place=FieldPlace(base=base, field=stored), value=Const(value=rank)):
                    kind = class_of(base) if stored.name == "rank" and is_lock(base.type) else None
                    if kind is not None:
                        seen.setdefault(kind, set()).add(rank)
                case Assign(place=GlobalPlace(data=data), value=StructMake() as value):
                    _ranks_of_value(LockClass(data), data.type, value, seen)
                case Assign(value=StructMake() as value):
                    _ranks_of_value(None, value.type, value, seen)
    return {kind: min(ranks) for kind, ranks in seen.items() if len(ranks) == 1}


def _ranks_of_value(kind: LockClass | None, type_: Type, value: Expr, seen: dict[LockClass, set[int]]) -> None:
    """Ranks in an initial value: a lock itself, or locks in the fields of a struct."""
    if not isinstance(value, StructMake):
        return
    for part, stored in value.values:
        if is_lock(type_) and part.name == "rank" and isinstance(stored, Const) and kind is not None:
            seen.setdefault(kind, set()).add(stored.value)
        elif isinstance(type_, StructType):
            _ranks_of_value(LockClass(type_, part.name), part.type, stored, seen)
