"""Memory that becomes the message buffer of a ring, and is that no longer.

The kernel writes to it whenever a message comes, so it is a writer of the Memory (writing.py).
"""
from compiler.prelude import addr, ptr, u64
from kernel.abi.errors import Status
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.caps import reference
from kernel.caps.capability import Capability
from kernel.complete.message_buffer import buffer_bytes
from kernel.complete.ring_block import Ring
from kernel.core.destruction import release
from kernel.objects.memory_block import Memory
from kernel.objects.writing import begin_writing, end_writing


def set_buffer(ring: ptr[Ring], capability: ptr[Capability], offset: u64) -> Status:
    """Takes the place of the buffer that there was. Errors: BAD_ARGUMENT, SEALED, NOT_READY, DESTROYED."""
    header = capability.object
    assert header is not None
    memory = ptr[Memory](header)
    length = memory.frames.pages << PAGE_SHIFT
    if offset & (PAGE_BYTES - 1) != 0 or offset > length or length - offset < buffer_bytes(ring) or memory.is_device:
        return Status.BAD_ARGUMENT
    if memory.ready_pages != memory.frames.pages:
        return Status.NOT_READY
    if not reference.take(header):
        return Status.DESTROYED
    status = begin_writing(memory)
    if status != Status.OK:
        release(header)
        return status
    drop_buffer(ring)
    with ring.lock:
        ring.buffer_frames = u64(addr(memory.frames))
        ring.buffer_offset = offset
        ring.buffer_lease = capability.lease
        ring.buffer_epoch = capability.epoch
        ring.buffer = header
    return Status.OK


def drop_buffer(ring: ptr[Ring]) -> None:
    with ring.lock:
        header = ring.buffer
        ring.buffer = None
    if header is None:
        return
    end_writing(ptr[Memory](header))
    release(header)
