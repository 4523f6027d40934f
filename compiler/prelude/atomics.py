"""Atomic, volatile and per-CPU places. A host run has one thread and one CPU: every order is sequential consistency.

Invariants: an order that the operation cannot have is refused, as the compiler does.
"""

from __future__ import annotations

from typing import Any

from compiler.prelude.host_memory import Memory
from compiler.prelude.kinds import IntegerKind, Kind, adapted, kind_of
from compiler.prelude.pointers import Place
from compiler.prelude.traps import LanguageError

ORDERS = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")
_REFUSED = {"load": ("release", "acq_rel"), "store": ("acquire", "acq_rel"), "fence": ("relaxed",)}


def _check_order(operation: str, order: str) -> None:
    if order not in ORDERS or order in _REFUSED.get(operation, ()):
        raise LanguageError(f"{operation} has no order {order!r}")


class Atomic(Place):
    """The place of an `atomic[T]`."""

    __slots__ = ("of_",)
    of_: Kind

    def __init__(self, of: Kind, memory: Memory, offset: int) -> None:
        self.of_, self.memory_, self.offset_ = of, memory, offset

    def load(self, order: str = "seq_cst") -> Any:
        _check_order("load", order)
        return self.of_.load(self.memory_, self.offset_)

    def store(self, value: Any, order: str = "seq_cst") -> None:
        _check_order("store", order)
        self.of_.store(self.memory_, self.offset_, value)

    def exchange(self, value: Any, order: str = "seq_cst") -> Any:
        _check_order("exchange", order)
        return self._replace(value)

    def _replace(self, value: Any) -> Any:
        old = self.of_.load(self.memory_, self.offset_)
        self.of_.store(self.memory_, self.offset_, value)
        return old

    def _fetch(self, name: str, value: Any, order: str) -> tuple[Any, Any, Any]:
        """The old number, the operand and the class. Errors: LanguageError for what is not an integer."""
        _check_order(name, order)
        if not isinstance(self.of_, IntegerKind):
            raise LanguageError(f"{name} needs an integer, not {self.of_}")
        return self.of_.load(self.memory_, self.offset_)._v, self.of_.adapt(value)._v, self.of_.box

    def fetch_add(self, value: Any, order: str = "seq_cst") -> Any:
        old, operand, box = self._fetch("fetch_add", value, order)
        return self._replace(box(old + operand))

    def fetch_sub(self, value: Any, order: str = "seq_cst") -> Any:
        old, operand, box = self._fetch("fetch_sub", value, order)
        return self._replace(box(old - operand))

    def fetch_and(self, value: Any, order: str = "seq_cst") -> Any:
        old, operand, box = self._fetch("fetch_and", value, order)
        return self._replace(box(old & operand))

    def fetch_or(self, value: Any, order: str = "seq_cst") -> Any:
        old, operand, box = self._fetch("fetch_or", value, order)
        return self._replace(box(old | operand))

    def fetch_xor(self, value: Any, order: str = "seq_cst") -> Any:
        old, operand, box = self._fetch("fetch_xor", value, order)
        return self._replace(box(old ^ operand))

    def cas(self, expected: Any, new: Any, order: str = "seq_cst") -> bool:
        return self.compare_exchange(expected, new, order)[1]

    def compare_exchange(self, expected: Any, new: Any, order: str = "seq_cst") -> tuple[Any, bool]:
        _check_order("compare_exchange", order)
        expected, new = self.of_.adapt(expected), self.of_.adapt(new)
        old = self.of_.load(self.memory_, self.offset_)
        same = old is None if expected is None else old is not None and bool(old == expected)
        if same:
            self.of_.store(self.memory_, self.offset_, new)
        return old, same

    def __repr__(self) -> str:
        return f"atomic[{self.of_}]({self.of_.load(self.memory_, self.offset_)})"


class AtomicKind(Kind):
    def __init__(self, of: Kind) -> None:
        if of.size not in (1, 2, 4, 8, 16) or not hasattr(of, "adapt"):
            raise LanguageError(f"atomic[T] needs an integer, a bool or a pointer, not {of}")
        self.of = of
        self.size = self.align = of.size
        self.name = f"atomic[{of}]"

    def load(self, memory: Memory, offset: int) -> Atomic:
        return Atomic(self.of, memory, offset)

    def store(self, memory: Memory, offset: int, value: Any) -> None:
        if isinstance(value, Atomic):
            value = value.load()
        self.of.store(memory, offset, value)

    def adapt(self, value: Any) -> Any:
        """An initial value becomes a new place."""
        if isinstance(value, Atomic):
            return value
        made = self.zero()
        made.store(adapted(self.of, value))
        return made


class _AtomicForm:
    def __init__(self) -> None:
        self.kinds: dict[Kind, AtomicKind] = {}

    def __getitem__(self, of: Any) -> AtomicKind:
        kind = kind_of(of)
        if kind not in self.kinds:
            self.kinds[kind] = AtomicKind(kind)
        return self.kinds[kind]


class _PlainForm:
    """A form that says how a place is accessed and leaves its type alone."""

    def __getitem__(self, of: Any) -> Kind:
        return kind_of(of)


atomic = _AtomicForm()
volatile = _PlainForm()
percpu = _PlainForm()


def fence(order: str = "seq_cst") -> None:
    _check_order("fence", order)
