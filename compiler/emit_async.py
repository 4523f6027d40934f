"""Async functions to LLVM's switched-resume coroutines, and exceptions that travel along `await`.

The promise, at the start of each frame, links a coroutine to the one that awaits it and to the state of its task:

    promise:  caller ptr | state ptr | result
    state:    leaf ptr | waiting u64 | exception u64 | message str | unwinding u64      (a task begins with it)

`leaf` is the coroutine to resume next: an await sets it to the awaited one, an ending coroutine to its caller, so that
resuming a task costs the same however deep it waits. A suspended leaf sets `waiting`; without it, the executor resumes
the leaf again at once. `unwinding` is the exception because of which a clean-up runs, which it can
read as it begins.
"""

from __future__ import annotations

from collections.abc import Callable

from compiler.emit_statements import Cleanup, HandlerLabel, StatementEmitter
from compiler.emit_types import value_type
from compiler.symbols import ExceptionSymbol
from compiler.tree import Await, Call, Expr, Handler, IndirectCall, Intrinsic, Raise, Statement, Suspend, Try
from compiler.type_model import NEVER, NONE, POINTER_SIZE, STR, U64, ArrayType, AwaitableType, PtrType, Type

PROMISE_ALIGN = 16
STATE_AT, RESULT_AT = 8, 16
LEAF_AT, WAITING_AT, EXCEPTION_AT, MESSAGE_AT, UNWINDING_AT = 0, 8, 16, 24, 40


class AsyncEmitter(StatementEmitter):
    handled: list[tuple[str, str]]  # slots with number and message of the exceptions being handled, innermost last

    # The frame

    def begin_coroutine(self, store_arguments: Callable[[], None]) -> None:
        result = self.body.function.result
        size = RESULT_AT + (result.size if result not in (NONE, NEVER) else 0)
        self.entry.append(f"  %promise = alloca [{size} x i8], align {PROMISE_ALIGN}")
        for declaration in (
            "token @llvm.coro.id(i32, ptr, ptr, ptr)",
            "i64 @llvm.coro.size.i64()",
            "ptr @llvm.coro.begin(token, ptr)",
            "i8 @llvm.coro.suspend(token, i1)",
            "ptr @llvm.coro.free(token, ptr)",
            "void @llvm.coro.end(ptr, i1, token)",
            "ptr @llvm.coro.promise(ptr, i32, i1)",
            "void @llvm.coro.resume(ptr)",
            "void @llvm.coro.destroy(ptr)",
            "i1 @llvm.coro.done(ptr)",
        ):
            self.module.need(declaration)
        allocator = self.module.symbol(self.module.program.hooks["frame_allocator"])
        self.line(f"%id = call token @llvm.coro.id(i32 {PROMISE_ALIGN}, ptr %promise, ptr null, ptr null)")
        self.line("%size = call i64 @llvm.coro.size.i64()")
        self.line(f"%memory = call ptr {allocator}(i64 %size)")
        self.line("%handle = call ptr @llvm.coro.begin(token %id, ptr %memory)")
        store_arguments()
        self._suspend(final=False)

    def end_coroutine(self) -> None:
        """The block every way out leads to, and what destroying the frame does."""
        self.terminate("br label %final")
        self.start("final")
        caller = self.assign("load ptr, ptr %promise")
        self.line(f"store ptr {caller}, ptr {self._state()}")
        self._suspend(final=True)
        self.terminate("unreachable")
        self.start("cleanup")
        release = self.module.symbol(self.module.program.hooks["frame_release"])
        memory = self.assign("call ptr @llvm.coro.free(token %id, ptr %handle)")
        size = self.assign("call i64 @llvm.coro.size.i64()")
        self.line(f"call void {release}(ptr {memory}, i64 {size})")
        self.start("suspended")
        self.line("call void @llvm.coro.end(ptr %handle, i1 false, token none)")
        self.terminate("ret ptr %handle")

    def _suspend(self, *, final: bool) -> None:
        following = self.label("resumed")
        way = self.assign(f"call i8 @llvm.coro.suspend(token none, i1 {'true' if final else 'false'})")
        self.terminate(f"switch i8 {way}, label %suspended [i8 0, label %{following} i8 1, label %cleanup]")
        self.start(following)

    def _at(self, base: str, offset: int) -> str:
        return self.assign(f"getelementptr i8, ptr {base}, i64 {offset}")

    def _state(self) -> str:
        return self.assign(f"load ptr, ptr {self._at('%promise', STATE_AT)}")

    def _promise_of(self, coroutine: str) -> str:
        return self.assign(f"call ptr @llvm.coro.promise(ptr {coroutine}, i32 {PROMISE_ALIGN}, i1 false)")

    # Expressions

    def _value(self, expr: Expr) -> str:
        match expr:
            case Await():
                return self._await(expr, None)
            case Suspend():
                self.line(f"store i64 1, ptr {self._at(self._state(), WAITING_AT)}")
                self._suspend(final=False)
                self._check_exception()
                return ""
            case Intrinsic(name="exception_name", arguments=[number]):
                return self._exception_name(self.value(number))
            case Intrinsic(name="exception_is", arguments=[number], kind=kinds):
                return self._exception_is(self.value(number), {int(kind) for kind in kinds.split()})
            case Intrinsic(name="raise_exception", arguments=[number, message]):
                self._throw(self.value(number), self.value(message))
                return ""
            case Intrinsic(name=name) if name.startswith("coroutine_"):
                return self._primitive(expr, name)
        return super()._value(expr)

    def call(self, expr: Call | IndirectCall, result: str | None = None) -> str:
        """After a function marked @raises the state of the task tells whether it did."""
        value = super().call(expr, result)
        if isinstance(expr, Call) and "raises" in expr.function.decorators:
            self._check_exception()
        return value

    def construct(self, address: str, value: Expr, align: int) -> None:
        if isinstance(value, Await):
            self._await(value, address)
        elif isinstance(value, Intrinsic) and value.name == "coroutine_take":
            self._take(value, address)
        elif isinstance(value, Intrinsic) and value.name == "coroutine_result":
            _ = self._take_result(value.type, self.value(value.arguments[0]), address)
        elif isinstance(value, Intrinsic) and value.name == "coroutine_take_all":
            self._take_all(value, address)
        else:
            super().construct(address, value, align)

    def _await(self, expr: Await, address: str | None) -> str:
        coroutine = self.value(expr.coroutine)
        promise = self._promise_of(coroutine)
        self.line(f"store ptr %handle, ptr {promise}")
        state = self._state()
        self.line(f"store ptr {state}, ptr {self._at(promise, STATE_AT)}")
        self.line(f"store ptr {coroutine}, ptr {state}")
        self.line(f"call void @llvm.coro.resume(ptr {coroutine})")
        wait, after = self.label("wait"), self.label("awaited")
        self.branch(self.assign(f"call i1 @llvm.coro.done(ptr {coroutine})"), after, wait)
        self.start(wait)
        self._suspend(final=False)
        self.start(after)
        result = self._take_result(expr.type, coroutine, address)
        self.line(f"call void @llvm.coro.destroy(ptr {coroutine})")
        self._check_exception()
        return result

    def _take_result(self, kind: Type, coroutine: str, address: str | None) -> str:
        if kind in (NONE, NEVER):
            return ""
        at = self._at(self._promise_of(coroutine), RESULT_AT)
        if kind.is_aggregate:
            self._copy_memory(address or self.stack_slot(kind), 1, at, kind.align, kind)
            return ""
        return self.load_from(at, kind)

    def _take(self, expr: Intrinsic, address: str | None) -> str:
        """The result of a coroutine that has ended; its frame goes back."""
        self.module.need("ptr @llvm.coro.promise(ptr, i32, i1)")
        self.module.need("void @llvm.coro.destroy(ptr)")
        coroutine = self.value(expr.arguments[0])
        result = self._take_result(expr.type, coroutine, address)
        self.line(f"call void @llvm.coro.destroy(ptr {coroutine})")
        return result

    def _take_all(self, expr: Intrinsic, address: str | None) -> str:
        """The results go to `address` one after the other; without it there are none."""
        self.module.need("ptr @llvm.coro.promise(ptr, i32, i1)")
        self.module.need("void @llvm.coro.destroy(ptr)")
        pointer = expr.arguments[0]
        assert isinstance(pointer.type, PtrType) and isinstance(pointer.type.to, ArrayType)
        assert isinstance(pointer.type.to.of, AwaitableType)
        kind = pointer.type.to.of.result
        first = self.value(pointer)
        for index in range(pointer.type.to.count):
            coroutine = self.load_from(self._at(first, index * POINTER_SIZE), pointer.type.to.of)
            at = None if address is None else self._at(address, index * kind.size)
            result = self._take_result(kind, coroutine, at)
            if at is not None and not kind.is_aggregate:
                self.store_to(at, result, kind)
            self.line(f"call void @llvm.coro.destroy(ptr {coroutine})")
        return ""

    def _primitive(self, expr: Intrinsic, name: str) -> str:
        if name == "coroutine_state":
            return self._state()
        if name == "coroutine_take":
            return self._take(expr, None)
        if name == "coroutine_take_all":
            return self._take_all(expr, None)
        if name == "coroutine_result":
            self.module.need("ptr @llvm.coro.promise(ptr, i32, i1)")
            return self._take_result(expr.type, self.value(expr.arguments[0]), None)
        first = self.value(expr.arguments[0])
        match name:
            case "coroutine_start":
                state = self.value(expr.arguments[1])
                promise = self._promise_of(first)
                self.line(f"store ptr null, ptr {promise}")
                self.line(f"store ptr {state}, ptr {self._at(promise, STATE_AT)}")
                self.line(f"store ptr {first}, ptr {state}")
                return first
            case "coroutine_is_done":
                self.module.need("i1 @llvm.coro.done(ptr)")
                return self.assign(f"call i1 @llvm.coro.done(ptr {first})")
        word = {"coroutine_resume": "resume", "coroutine_destroy": "destroy"}[name]
        self.module.need(f"void @llvm.coro.{word}(ptr)")
        self.line(f"call void @llvm.coro.{word}(ptr {first})")
        return ""

    def _exception_name(self, number: str) -> str:
        table, count = self.module.exception_names()
        known = self.assign(f"icmp ult i64 {number}, {count}")
        index = self.assign(f"select i1 {known}, i64 {number}, i64 0")
        at = self.assign(f"getelementptr {{ptr, i64}}, ptr {table}, i64 {index}")
        return self.load_from(at, STR)

    # Statements

    def statement(self, statement: Statement) -> None:
        match statement:
            case Try():
                self._try(statement)
            case Raise(kind=kind, message=message):
                self._raise(kind, message)
            case _:
                super().statement(statement)

    def _return(self, value: Expr | None) -> None:
        if not self.body.function.is_async:
            super()._return(value)
            return
        if isinstance(value, Expr) and value.type == NONE:
            self.discard(value)
        elif isinstance(value, Expr):
            kind = self.body.function.result
            if kind.is_aggregate:
                self.construct(self._at("%promise", RESULT_AT), value, kind.align)
            else:
                result = self.value(value)
                self.store_to(self._at("%promise", RESULT_AT), result, kind)
        self._leave(0)
        self.terminate("br label %final")

    # Exceptions

    def _check_exception(self) -> None:
        fine, raised = self.label("fine"), self.label("raised")
        number = self.assign(f"load i64, ptr {self._at(self._state(), EXCEPTION_AT)}")
        self.branch(self.assign(f"icmp eq i64 {number}, 0"), fine, raised)
        self.start(raised)
        self._unwind()
        self.start(fine)

    def _raise(self, kind: ExceptionSymbol | None, message: Expr | None) -> None:
        if kind is None:
            number_slot, message_slot = self.handled[-1]
            number, text = self.load_from(number_slot, U64), self.load_from(message_slot, STR)
        else:
            number = str(kind.number)
            text = self.value(message) if message is not None else "zeroinitializer"
        self._throw(number, text)

    def _throw(self, number: str, text: str) -> None:
        state = self._state()
        self.line(f"store i64 {number}, ptr {self._at(state, EXCEPTION_AT)}")
        self.line(f"store {value_type(STR)} {text}, ptr {self._at(state, MESSAGE_AT)}")
        self._unwind()

    def _unwind(self) -> None:
        """From here to the innermost handler, or out of the function, by way of every clean-up between."""
        target = self.handlers[-1] if self.handlers else HandlerLabel("final", 0)
        if len(self.cleanups) > target.depth:
            number_slot, message_slot = self._set_aside()
            leaving = self.load_from(number_slot, U64)
            self.line(f"store i64 {leaving}, ptr {self._at(self._state(), UNWINDING_AT)}")
            self._leave(target.depth)
            if self.open:
                state = self._state()
                self.line(f"store i64 0, ptr {self._at(state, UNWINDING_AT)}")
                number, text = self.load_from(number_slot, U64), self.load_from(message_slot, STR)
                self.line(f"store i64 {number}, ptr {self._at(state, EXCEPTION_AT)}")
                self.line(f"store {value_type(STR)} {text}, ptr {self._at(state, MESSAGE_AT)}")
        self.terminate(f"br label %{target.label}")

    def _set_aside(self) -> tuple[str, str]:
        """Takes the exception out of the state, so that awaits in between do not meet it."""
        state = self._state()
        number_slot, message_slot = self.stack_slot(U64), self.stack_slot(STR)
        at = self._at(state, EXCEPTION_AT)
        self.store_to(number_slot, self.load_from(at, U64), U64)
        self.store_to(message_slot, self.load_from(self._at(state, MESSAGE_AT), STR), STR)
        self.line(f"store i64 0, ptr {at}")
        return number_slot, message_slot

    def _try(self, statement: Try) -> None:
        end = self.label("end")
        if statement.final:
            self.cleanups.append(Cleanup(statement.final, len(self.handlers)))
        catch = self.label("catch")
        if statement.handlers:
            self.handlers.append(HandlerLabel(catch, len(self.cleanups)))
        self.statements(statement.body)
        if statement.handlers:
            self.handlers.pop()
        if self.open:
            self.statements(statement.orelse)
        self.terminate(f"br label %{end}")
        if statement.handlers:
            self._catch(catch, statement.handlers, end)
        if statement.final:
            self.cleanups.pop()
        self.start(end)
        self.statements(statement.final)

    def _catch(self, catch: str, handlers: list[Handler], end: str) -> None:
        self.start(catch)
        number_slot, message_slot = self._set_aside()
        self.line(f"store i64 0, ptr {self._at(self._state(), UNWINDING_AT)}")
        for handler in handlers:
            matched, following = self.label("except"), self.label("next")
            number = self.load_from(number_slot, U64)
            self._match(number, handler.kinds, matched, following)
            self.start(matched)
            if handler.local is not None:
                self.store_to(self.slots[handler.local], self.load_from(message_slot, STR), STR)
            self.handled.append((number_slot, message_slot))
            self.statements(handler.body)
            self.handled.pop()
            self.terminate(f"br label %{end}")
            self.start(following)
        self.handled.append((number_slot, message_slot))
        self._raise(None, None)
        self.handled.pop()

    def _exception_is(self, number: str, kinds: set[int]) -> str:
        known = self.module.program.exceptions
        wanted = [kind for kind in known if kind.number in kinds]
        result = "false"
        for exception in known:
            if any(exception.is_kind_of(kind) for kind in wanted):
                same = self.assign(f"icmp eq i64 {number}, {exception.number}")
                result = self.assign(f"or i1 {result}, {same}")
        return result

    def _match(self, number: str, kinds: list[ExceptionSymbol], matched: str, following: str) -> None:
        if not kinds:
            self.terminate(f"br label %{matched}")
            return
        known = self.module.program.exceptions
        numbers = [e.number for e in known if any(e.is_kind_of(kind) for kind in kinds)]
        cases = " ".join(f"i64 {n}, label %{matched}" for n in numbers)
        self.terminate(f"switch i64 {number}, label %{following} [{cases}]")
