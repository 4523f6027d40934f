"""Reference counts: 64 bits, saturating; an object with a count of zero never gets another reference.

Pure: tested on the host, its interleavings explored.
Not here: what happens after the last reference (core/destruction.py).
"""
from compiler.prelude import const, ptr
from kernel.caps.object import Object

SATURATED = const(1 << 63)              # a count that got here stays: the object lives for ever


def take(object: ptr[Object]) -> bool:
    """Adds a reference. Returns False when there is none left, that is, when the object's end has begun."""
    count = object.references.load("relaxed")
    while count != 0:
        if count >= SATURATED:
            return True
        # Relaxed: whoever adds a reference reached the object through one that exists.
        found, is_done = object.references.compare_exchange(count, count + 1, "relaxed")
        if is_done:
            return True
        count = found
    return False


def drop(object: ptr[Object]) -> bool:
    """Gives up a reference. Returns True for the last one: the object's end is then the caller's duty."""
    count = object.references.load("relaxed")
    while count < SATURATED:
        assert count != 0, "a reference was dropped that nobody held"
        # Acquire and release: what was done under each reference happens before the end of the object.
        found, is_done = object.references.compare_exchange(count, count - 1, "acq_rel")
        if is_done:
            return count == 1
        count = found
    return False
