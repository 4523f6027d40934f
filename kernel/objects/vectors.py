"""Vector state of threads: memory for it when a thread first uses vectors, paid for by the thread's account."""
from compiler.prelude import ptr, u8, u32, u64
from kernel.abi.objects import Resource
from kernel.arch.x86_64 import fpu
from kernel.caps import account as accounts
from kernel.core.thread_block import HAS_VECTORS, Thread
from kernel.memory import physical, slab, window


def begin_use(thread: ptr[Thread]) -> bool:
    """Gives the thread that this CPU runs vector state and turns vectors on. Returns False when there is no memory."""
    account = thread.header.account
    if thread.vectors != 0 or not accounts.charge(account, u32(Resource.OBJECTS), 1):
        return False
    state = _allocate()
    if state == 0:
        accounts.uncharge(account, u32(Resource.OBJECTS), 1)
        return False
    fpu.start_state(ptr[u8](state))
    thread.vectors = state
    _ = thread.conditions.fetch_or(HAS_VECTORS, "relaxed")
    fpu.turn_on()
    fpu.restore(ptr[u8](state))
    return True


def free_state(thread: ptr[Thread]) -> None:
    """Requires: the thread does not run any more."""
    if thread.vectors == 0:
        return
    if fpu.state_bytes <= slab.LARGEST_OBJECT:
        slab.release(ptr[u8](thread.vectors))
    else:
        physical.release_frame(window.physical(thread.vectors))
    thread.vectors = 0
    accounts.uncharge(thread.header.account, u32(Resource.OBJECTS), 1)


def _allocate() -> u64:
    """Zeroed and 64-byte aligned, as XSAVE wants it; 0 when memory runs out. No state is larger than a frame."""
    if fpu.state_bytes <= slab.LARGEST_OBJECT:
        state = slab.allocate(fpu.state_bytes)
        return 0 if state is None else u64(state)
    frame = physical.allocate_zeroed()
    return 0 if frame == 0 else window.address(frame)
