"""Which functions led to a place in the kernel, by the frame pointers that every compiled function keeps.

A frame is two words: the caller's frame, and the address that the function returns to. A chain that is damaged ends
the walk, or in a page fault: only a panic walks, which survives one.
"""
from collections.abc import Callable

from compiler.prelude import const, ptr, u64
from kernel.arch.x86_64.image import text_end, text_start
from kernel.config import KERNEL_STACK_BYTES
from kernel.memory_map import UPPER_HALF

_SHOWN = const(24)                      # places that are shown at most
_FRAME_BYTES = const(16)                # the smallest frame
_FRAMES = const(KERNEL_STACK_BYTES // _FRAME_BYTES)


def walk(address: u64, frame: u64, show: Callable[[u64, u64, u64], None]) -> None:
    """Calls show(number, address, times) for a place and its callers, innermost first.

    Of a call the address is the byte before its end. A place that calls itself is shown once.
    """
    place = address
    number: u64 = 0
    times: u64 = 1
    at = frame
    for _ in range(_FRAMES):
        if at < UPPER_HALF or at & 7 != 0:
            break
        above = ptr[u64](at)[0]
        back = ptr[u64](at + 8)[0]
        if not text_start() < back <= text_end():
            break
        if back - 1 == place:
            times += 1
        else:
            show(number, place, times)
            number += 1
            place = back - 1
            times = 1
        if number == _SHOWN or above <= at or above - at > KERNEL_STACK_BYTES:
            break
        at = above
    show(number, place, times)
