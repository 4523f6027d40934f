"""The kernel as a writer of Memory: it counts as a mapping that may write does, so that what it writes to is not sealed
meanwhile.

Locks: Memory.lock.
"""
from compiler.prelude import ptr
from kernel.abi.errors import Status
from kernel.objects.memory_block import Memory


def begin_writing(memory: ptr[Memory]) -> Status:
    """Errors: SEALED."""
    with memory.lock:
        if memory.is_sealed:
            return Status.SEALED
        memory.writers += 1
    return Status.OK


def end_writing(memory: ptr[Memory]) -> None:
    with memory.lock:
        memory.writers -= 1
