"""The memory of a host run: byte arrays, and the addresses that they get when somebody asks.

Owns: the address map. A region has no address until a pointer to it becomes a number or is stored in memory; from then
on the map keeps it, so that the number leads back to it. Functions get addresses in the same way.
Invariants: addresses of regions do not overlap and are never given twice; 0 is no address.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Any

from compiler.prelude.traps import HostMemoryError

_FIRST_ADDRESS = 0x1000_0000
_FIRST_FUNCTION = 0x100_0000
_FUNCTION_BYTES = 16
_GAP = 64
"""Bytes between regions, so that running off one does not reach the next."""


class Memory:
    """A region: `data` and, once asked for, its address. `align` is the alignment of that address."""

    __slots__ = ("align", "base", "data")

    def __init__(self, data: bytearray, align: int = 16, base: int = 0) -> None:
        self.data = data
        self.align = align
        self.base = base

    def address(self) -> int:
        if self.base == 0:
            _map.assign(self)
        return self.base


class Nowhere(Memory):
    """What a pointer made from an unknown address points into: it has an address and no bytes."""

    __slots__ = ()

    def __init__(self) -> None:
        self.align = 1
        self.base = 0

    def __getattr__(self, name: str) -> Any:
        raise HostMemoryError("access through a pointer to an address where the host run has no memory")

    def address(self) -> int:
        return 0


class _AddressMap:
    def __init__(self) -> None:
        self.bases: list[int] = []
        self.regions: dict[int, Memory] = {}
        self.next = _FIRST_ADDRESS
        self.functions: list[Any] = []
        self.function_addresses: dict[Any, int] = {}

    def assign(self, memory: Memory) -> None:
        base = -(-self.next // memory.align) * memory.align
        self.next = base + len(memory.data) + _GAP
        memory.base = base
        self.add(memory)

    def add(self, memory: Memory) -> None:
        insort(self.bases, memory.base)
        self.regions[memory.base] = memory

    def find(self, address: int) -> tuple[Memory, int]:
        """The region that holds `address`, or ends there, and the offset in it."""
        position = bisect_right(self.bases, address)
        if position:
            memory = self.regions[self.bases[position - 1]]
            if address - memory.base <= len(memory.data):
                return memory, address - memory.base
        return NOWHERE, address


_map = _AddressMap()
NOWHERE = Nowhere()
find = _map.find


def place_region(address: int, size: int) -> Memory:
    """Makes zeroed memory at a given address, a test's stand-in for RAM or a device. Errors: ValueError on overlap."""
    memory = Memory(bytearray(size), base=address)
    for start in (address, address + size - 1):
        if size and _overlaps(start):
            raise ValueError(f"there is memory at {start:#x} already")
    if any(address <= base < address + size for base in _map.bases):
        raise ValueError(f"there is memory inside {address:#x}..{address + size:#x} already")
    _map.add(memory)
    return memory


def _overlaps(address: int) -> bool:
    memory, offset = find(address)
    return memory is not NOWHERE and offset < len(memory.data)


def address_of_function(function: Any) -> int:
    known = _map.function_addresses.get(function)
    if known is None:
        known = _FIRST_FUNCTION + _FUNCTION_BYTES * len(_map.functions)
        _map.functions.append(function)
        _map.function_addresses[function] = known
    return known


def function_at(address: int) -> Any:
    position, rest = divmod(address - _FIRST_FUNCTION, _FUNCTION_BYTES)
    if rest or not 0 <= position < len(_map.functions):
        raise HostMemoryError(f"there is no function at {address:#x}")
    return _map.functions[position]


def reset() -> None:
    """Forgets every address. Pointers that were numbers before lead nowhere."""
    for memory in _map.regions.values():
        memory.base = 0
    _map.bases.clear()
    _map.regions.clear()
    _map.functions.clear()
    _map.function_addresses.clear()
    _map.next = _FIRST_ADDRESS


def read(memory: Memory, offset: int, size: int) -> bytes:
    """Bytes of a region. Errors: HostMemoryError when they are not all inside."""
    data = memory.data
    if offset < 0 or offset + size > len(data):
        raise HostMemoryError(f"{size} bytes at offset {offset} of a region of {len(data)}")
    return bytes(data[offset : offset + size])


def write(memory: Memory, offset: int, contents: bytes) -> None:
    data = memory.data
    if offset < 0 or offset + len(contents) > len(data):
        raise HostMemoryError(f"{len(contents)} bytes at offset {offset} of a region of {len(data)}")
    data[offset : offset + len(contents)] = contents
