"""The message buffer of a ring: Memory in which messages find their bytes, a piece for each slot and for each place.

Locks: Ring.lock guards which Memory it is. A piece that was found is memory until the kernel is left, whatever becomes
of the buffer: frames are given back after a grace period.
"""
from compiler.prelude import memory_copy, ptr, u8, u16, u32, u64
from kernel.abi.ring import BYTES, MESSAGE_BYTES
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.caps import lease as leases
from kernel.caps.object import State
from kernel.complete.ring_block import Ring
from kernel.core.message import Message
from kernel.memory import frame_set, window
from kernel.memory.frame_set import FrameSet


def buffer_bytes(ring: ptr[Ring]) -> u64:
    return u64(ring.places) * 2 * MESSAGE_BYTES


def find_piece(ring: ptr[Ring], piece: u64) -> u64:
    """Its address; 0 when the ring has no buffer, or none any more."""
    header = ring.buffer
    if header is None or header.state.load("acquire") != State.ALIVE:
        return 0
    if not leases.is_in_force(ring.buffer_lease, ring.buffer_epoch):
        return 0
    at = ring.buffer_offset + piece * MESSAGE_BYTES
    page, _ = frame_set.find_run(ptr[FrameSet](ring.buffer_frames), at >> PAGE_SHIFT)
    return window.address(page) + (at & (PAGE_BYTES - 1))


def put_bytes(ring: ptr[Ring], index: u32, message: ptr[Message]) -> u16:
    """Copies the bytes of a message to where a completion has them. Returns how many there are.

    None come to a receiver that has taken its buffer away since it was looked for. Both users may write meanwhile.
    """
    length = message.length & BYTES
    if length == 0 or message.source == 0:
        return 0
    place = find_piece(ring, u64(ring.places + (index & (ring.places - 1))))
    if place == 0:
        return 0
    memory_copy(ptr[u8](place), ptr[u8](message.source), u64(length))
    return u16(length)
