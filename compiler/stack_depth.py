"""How deep the stack gets from each entry of an image, from the frames and direct calls of its machine code.

Calls through pointers are not followed: they are named, so that a reader adds what they may reach. In a cycle of calls
each function counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.disassembly import Function

_RETURN_ADDRESS_BYTES = 8


@dataclass(frozen=True)
class Depth:
    """The deepest chain of calls from one function, itself first."""

    stack_bytes: int
    chain: tuple[str, ...]
    recursive: bool = False
    through_pointers: bool = False

    def text(self) -> str:
        marks = [
            word for word, holds in (("recursive", self.recursive), ("calls pointers", self.through_pointers)) if holds
        ]
        return f"{self.stack_bytes:>8}  {' > '.join(self.chain)}" + (f"  ({', '.join(marks)})" if marks else "")


def measure_depths(functions: Sequence[Function]) -> list[Depth]:
    """One for each function that no other calls directly, deepest first."""
    walker = _Walker(functions)
    called = {target for function in functions for target in function.calls if target != function.address}
    entries = [function for function in functions if function.address not in called]
    return sorted((walker.depth_of(f.address) for f in entries), key=lambda d: (-d.stack_bytes, d.chain))


class _Walker:
    def __init__(self, functions: Sequence[Function]) -> None:
        self.functions = {function.address: function for function in functions}
        self.known: dict[int, Depth] = {}
        self.open: set[int] = set()

    def depth_of(self, address: int) -> Depth:
        if address in self.known:
            return self.known[address]
        function = self.functions.get(address)
        if function is None:
            return Depth(0, ("an address in no function",))
        if address in self.open:
            return Depth(0, (), recursive=True)
        self.open.add(address)
        below = [self.depth_of(target) for target in sorted(function.calls)]
        self.open.discard(address)
        deepest = max(below, key=lambda depth: depth.stack_bytes, default=None)
        result = Depth(
            function.frame_bytes + (_RETURN_ADDRESS_BYTES + deepest.stack_bytes if deepest else 0),
            (function.name, *(deepest.chain if deepest else ())),
            any(depth.recursive for depth in below),
            function.calls_pointers or any(depth.through_pointers for depth in below),
        )
        self.known[address] = result
        return result
