"""I/O ports of programs: the ranges that an address space may use, and this CPU's permission bitmap.

A CPU opens the ranges of a space in its bitmap when it puts the space in force, and closes only what it had opened. A
space without ports costs a look at its count: the bitmap is then out of the task state's reach.
Ranges change one word at a time, so a CPU that loads them meanwhile reads old ones or new ones, and is asked to look
again (address_space.py).
Source: SDM vol 1, 19.5.2 (I/O permission bit map).
"""
from compiler.prelude import (
    array,
    atomic,
    cold,
    const,
    inline,
    noinline,
    percpu,
    percpu_address,
    ptr,
    struct,
    u8,
    u32,
    u64,
    wrap_add,
)
from kernel.arch.x86_64 import cpu, gdt

PORTS = const(65536)
MOST_RANGES = const(8)                  # of one address space
_COUNT_SHIFT = const(32)
_WORD_PORTS = const(8)


@struct
class PortRanges:
    count: atomic[u32]
    version: atomic[u32]
    words: array[atomic[u64], MOST_RANGES]      # first port, and above it how many; 0: none


@struct
class OpenRanges:
    ranges: u64 = 0                     # address of the PortRanges that they are from
    version: u32 = 0
    words: array[u64, MOST_RANGES]


_open: percpu[OpenRanges] = OpenRanges()
_is_reached: percpu[bool] = False       # the task state reaches the bitmap


def word_for(first: u64, count: u64) -> u64:
    return first | count << _COUNT_SHIFT


@inline
def change(ranges: ptr[PortRanges]) -> None:
    """Lets user programs on this CPU use these ranges and no others."""
    if ranges.count.load("acquire") != 0:
        _open_all(ranges)
    elif _is_reached:
        close()


@inline
def are_of_concern(ranges: ptr[PortRanges]) -> bool:
    """Whether change() has anything to do."""
    return ranges.count.load("acquire") != 0 or _is_reached


def close() -> None:
    """No user program on this CPU may use any port."""
    global _is_reached
    _is_reached = False
    gdt.reach_ports(False)


@cold
@noinline
def _open_all(ranges: ptr[PortRanges]) -> None:
    global _is_reached
    opened = _opened()
    version = ranges.version.load("acquire")
    if opened.ranges != u64(ranges) or opened.version != version:
        for index in range(u64(MOST_RANGES)):
            _set(opened.words[index], False)
        for index in range(u64(MOST_RANGES)):
            opened.words[index] = ranges.words[index].load("acquire")
            _set(opened.words[index], True)
        opened.ranges = u64(ranges)
        opened.version = version
    _is_reached = True
    gdt.reach_ports(True)


def _opened() -> ptr[OpenRanges]:
    return ptr[OpenRanges](wrap_add(cpu.base, percpu_address(_open)))


def _set(word: u64, is_open: bool) -> None:
    port = u64(u32(word))
    end = port + (word >> _COUNT_SHIFT)
    bitmap = gdt.port_bitmap()
    while port < end:
        place = port // _WORD_PORTS
        if port % _WORD_PORTS == 0 and end - port >= _WORD_PORTS:
            bitmap[place] = 0 if is_open else 0xFF
            port += _WORD_PORTS
            continue
        bit = u8(1) << u8(port % _WORD_PORTS)
        bitmap[place] = bitmap[place] & ~bit if is_open else bitmap[place] | bit
        port += 1
