"""Statements to LLVM IR: control flow, loops, and what leaving a `with` block runs."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.emit_expressions import ExpressionEmitter
from compiler.emit_types import value_type
from compiler.tree import (
    Assign,
    Body,
    Break,
    Const,
    Continue,
    Evaluate,
    Expr,
    ForEach,
    ForRange,
    If,
    Return,
    Statement,
    Trap,
    Unpack,
    While,
    With,
)
from compiler.type_model import NONE, IntType, SpanType, TupleType


@dataclass
class LoopLabels:
    next: str
    end: str
    depth: int  # how many `with` blocks surround the loop


@dataclass
class Cleanup:
    """What leaving a `with` or a `try` runs, and how many exception handlers surround it."""

    statements: list[Statement]
    handlers: int = 0


@dataclass
class HandlerLabel:
    """Where an exception goes, and how many clean-ups surround its `try`."""

    label: str
    depth: int


class StatementEmitter(ExpressionEmitter):
    body: Body
    entry: list[str]
    loops: list[LoopLabels]
    cleanups: list[Cleanup]
    handlers: list[HandlerLabel]
    open: bool

    def statements(self, statements: list[Statement]) -> None:
        for statement in statements:
            self.at = statement.span
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        match statement:
            case Assign(place=place, value=value):
                self.store(place, value)
            case Evaluate(value=value):
                self.discard(value)
            case Unpack(value=value, places=places):
                kind = value.type
                assert isinstance(kind, TupleType)
                whole = self.value(value)
                parts = [self.assign(f"extractvalue {value_type(kind)} {whole}, {i}") for i in range(len(places))]
                for target, part in zip(places, parts, strict=True):
                    if target is not None:
                        self.store_value(target, part)
            case If():
                self._if(statement)
            case While():
                self._while(statement)
            case ForRange():
                self._for_range(statement)
            case ForEach():
                self._for_each(statement)
            case Return(value=value):
                self._return(value)
            case Break():
                self._leave(self.loops[-1].depth)
                self.terminate(f"br label %{self.loops[-1].end}")
            case Continue():
                self._leave(self.loops[-1].depth)
                self.terminate(f"br label %{self.loops[-1].next}")
            case Trap(message=message):
                self.trap(message, statement.span)
            case With():
                self._with(statement)

    def _if(self, statement: If) -> None:
        yes, no, end = self.label("then"), self.label("else"), self.label("end")
        self.condition(statement.test, yes, no if statement.orelse else end)
        self.start(yes)
        self.statements(statement.body)
        self.terminate(f"br label %{end}")
        if statement.orelse:
            self.start(no)
            self.statements(statement.orelse)
        self.start(end)

    def _while(self, statement: While) -> None:
        again, body, end = self.label("while"), self.label("body"), self.label("end")
        self.start(again)
        self.condition(statement.test, body, end)
        self.start(body)
        self._loop_body(statement.body, again, end)
        self.terminate(f"br label %{again}")
        self.start(end)

    def _loop_body(self, body: list[Statement], next_label: str, end: str) -> None:
        self.loops.append(LoopLabels(next_label, end, len(self.cleanups)))
        self.statements(body)
        self.loops.pop()

    def _for_range(self, statement: ForRange) -> None:
        """Counts in a slot of its own, so that the body may change the variable."""
        kind = statement.local.type
        assert isinstance(kind, IntType)
        counter = self.stack_slot(kind, "i")
        start, stop = self.value(statement.start), self.value(statement.stop)
        self.store_to(counter, start, kind)
        if _stays_in_range(statement, kind):
            self._count_plainly(statement, kind, counter, stop)
        else:
            self._count_to_the_end(statement, kind, counter, start, stop)

    def _count_plainly(self, statement: ForRange, kind: IntType, counter: str, stop: str) -> None:
        """The step cannot pass the end of the type's range: the shape that LLVM understands best."""
        t, step = value_type(kind), statement.step
        again, body, advance, end = (self.label(s) for s in ("for", "body", "next", "end"))
        self.start(again)
        current = self.load_from(counter, kind)
        self.branch(self.assign(f"icmp {_before(kind, step)} {t} {current}, {stop}"), body, end)
        self.start(body)
        self.store_to(self.slots[statement.local], current, kind)
        self._loop_body(statement.body, advance, end)
        self.start(advance)
        current = self.load_from(counter, kind)
        if kind.signed:
            following = self.assign(f"add nsw {t} {current}, {step}")
        else:
            following = self.assign(f"{'add' if step > 0 else 'sub'} nuw {t} {current}, {abs(step)}")
        self.store_to(counter, following, kind)
        self.terminate(f"br label %{again}")
        self.start(end)

    def _count_to_the_end(self, statement: ForRange, kind: IntType, counter: str, start: str, stop: str) -> None:
        """Compares distances, so that a step beyond the type's range ends the loop instead of wrapping."""
        t, step = value_type(kind), statement.step
        again, body, advance, end = (self.label(s) for s in ("for", "body", "next", "end"))
        self.branch(self.assign(f"icmp {_before(kind, step)} {t} {start}, {stop}"), body, end)
        self.start(body)
        current = self.load_from(counter, kind)
        self.store_to(self.slots[statement.local], current, kind)
        self._loop_body(statement.body, advance, end)
        self.start(advance)
        current = self.load_from(counter, kind)
        # The distance to the end is a positive unsigned number, whatever the signs of the ends.
        left = self.assign(f"sub {t} {stop}, {current}" if step > 0 else f"sub {t} {current}, {stop}")
        self.branch(self.assign(f"icmp ugt {t} {left}, {abs(step)}"), again, end)
        self.start(again)
        self.store_to(counter, self.assign(f"add {t} {current}, {step}"), kind)
        self.terminate(f"br label %{body}")
        self.start(end)

    def _for_each(self, statement: ForEach) -> None:
        span_type = statement.items.type
        assert isinstance(span_type, SpanType)
        items = self.value(statement.items)
        base = self.assign(f"extractvalue {{ptr, i64}} {items}, 0")
        count = self.assign(f"extractvalue {{ptr, i64}} {items}, 1")
        index_type = IntType(64, False)
        counter = self.stack_slot(index_type, "i")
        self.store_to(counter, "0", index_type)
        again, body, advance, end = (self.label(s) for s in ("each", "body", "next", "end"))
        self.start(again)
        index = self.load_from(counter, index_type)
        self.branch(self.assign(f"icmp ult i64 {index}, {count}"), body, end)
        self.start(body)
        address = self.assign(f"getelementptr inbounds nuw [{span_type.of.size} x i8], ptr {base}, i64 {index}")
        if span_type.of.is_aggregate:
            self.store_to(self.slots[statement.local], address, statement.local.type)
        else:
            self.store_to(self.slots[statement.local], self.load_at(address, span_type.of, 1), statement.local.type)
        self._loop_body(statement.body, advance, end)
        self.start(advance)
        following = self.assign(f"add nuw i64 {self.load_from(counter, index_type)}, 1")
        self.store_to(counter, following, index_type)
        self.terminate(f"br label %{again}")
        self.start(end)

    def _return(self, value: Expr | None) -> None:
        function = self.body.function
        if isinstance(value, Expr) and value.type == NONE:
            self.discard(value)
            value = None
        if not isinstance(value, Expr):
            self._leave(0)
            self.terminate("ret void")
        elif function.result.is_aggregate:
            self.construct("%result", value, function.result.align)
            self._leave(0)
            self.terminate("ret void")
        else:
            result = self.value(value)
            self._leave(0)
            self.terminate(f"ret {value_type(function.result)} {result}")

    def _with(self, statement: With) -> None:
        self.statements(statement.enter)
        self.cleanups.append(Cleanup(statement.leave, len(self.handlers)))
        self.statements(statement.body)
        self.cleanups.pop()
        if self.open:
            self.statements(statement.leave)

    def _leave(self, depth: int) -> None:
        """Runs the clean-up of every `with` block that is left, innermost first."""
        saved, handlers = self.cleanups, self.handlers
        while len(self.cleanups) > depth and self.open:
            cleanup = self.cleanups[-1]
            self.cleanups, self.handlers = self.cleanups[:-1], handlers[: cleanup.handlers]
            self.statements(cleanup.statements)
        self.cleanups, self.handlers = saved, handlers


def _before(kind: IntType, step: int) -> str:
    """The comparison that holds while a counter has not reached its end."""
    return ("s" if kind.signed else "u") + ("lt" if step > 0 else "gt")


def _stays_in_range(statement: ForRange, kind: IntType) -> bool:
    step, stop = statement.step, statement.stop
    if step in (1, -1):
        return True
    return isinstance(stop, Const) and kind.holds(stop.value - 1 + step if step > 0 else stop.value + 1 + step)
