"""A piece of long work, as memory: it lies in what the work is about."""
from __future__ import annotations

from collections.abc import Callable

from compiler.prelude import ptr, struct, u32


@struct
class Work:
    run: Callable[[ptr[Work]], bool]    # does a slice; returns True when nothing is left
    next: ptr[Work] | None
    priority: u32
    is_queued: bool
