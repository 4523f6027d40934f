"""The layers of the system, lowest first: a module imports from its own layer and those below. Longest listed prefix
counts.
"""

from __future__ import annotations

_ORDER = (
    ("kernel.arch.x86_64.registers", "kernel.arch.x86_64.pages", "kernel.arch.x86_64.uart"),
    ("kernel.abi", "kernel.config", "boot.limine"),
    ("kernel.sync", "kernel.memory.window"),
    ("kernel.core.timers", "kernel.core.work_block"),
    ("kernel.caps", "kernel.complete.queue", "kernel.complete.ring_block"),
    ("kernel.arch",),
    ("kernel.memory",),
    ("kernel.core",),
    ("kernel.complete",),
    ("kernel.objects",),
    ("kernel.submit",),
    ("kernel.entry",),
    ("kernel.main",),
)
LAYERS: dict[str, int] = {name: rank for rank, names in enumerate(_ORDER) for name in names}
