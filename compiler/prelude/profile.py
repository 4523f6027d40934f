"""How the host run is built: whether overflow traps, and the build-time options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from compiler.prelude.traps import Trap

debug = True
"""As in the debug profile, overflow traps; when False it wraps, as in the release profile."""

options: dict[str, Any] = {}
"""What `-D NAME=VALUE` gives on the compiler's command line; set before the sources are imported."""


@contextmanager
def built_as(name: str) -> Iterator[None]:
    """Runs a block in the named profile."""
    global debug
    if name not in ("debug", "release"):
        raise ValueError(f"the profiles are debug and release, not {name}")
    before, debug = debug, name == "debug"
    try:
        yield
    finally:
        debug = before


def overflowed(value: int, bits: int, signed: bool, what: str) -> int:
    """The wrapped result of an operation that left its type's range. Errors: Trap in the debug profile."""
    if debug:
        raise Trap("overflow", f"{what}: {value} does not fit {'i' if signed else 'u'}{bits}")
    return wrap(value, bits, signed)


def wrap(value: int, bits: int, signed: bool) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value
