"""Memory that the kernel itself maps for a process: the first program, stacks, rings."""
from compiler.prelude import addr, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.memory import WRITE
from kernel.abi.rights import Right
from kernel.arch.x86_64.pages import PAGE_SHIFT
from kernel.caps.capability import Capability
from kernel.core.destruction import release
from kernel.core.process_block import Process
from kernel.memory import frame_set, window
from kernel.objects.mapping import map_memory
from kernel.objects.memory import make_memory, prepare, seal
from kernel.objects.memory_block import Memory


def map_fresh(process: ptr[Process], start: u64, length: u64, access: u64) -> Status:
    """Maps memory of zeros that only its mapping refers to. What is not writable is sealed. Errors: as map_memory()."""
    memory, status = make_memory(process.header.account, length >> PAGE_SHIFT, False)
    if memory is None:
        return status
    while memory.ready_pages != memory.frames.pages:
        prepare(memory)
    if access & WRITE == 0:
        status = seal(memory)
    if status == Status.OK:
        status = map_all(process, memory, start, access)
    release(addr(memory.header))
    return status


def map_all(process: ptr[Process], memory: ptr[Memory], start: u64, access: u64) -> Status:
    """Maps the whole of a Memory; the mapping can never get more access than it begins with."""
    rights: u32 = Right.READ | Right.EXECUTE if access & WRITE == 0 else Right.READ | Right.WRITE
    capability = Capability(object=addr(memory.header), rights=rights)
    return map_memory(process, addr(capability), start | access, 0, memory.frames.pages << PAGE_SHIFT)


def first_page(memory: ptr[Memory]) -> u64:
    """Its address as the kernel sees it."""
    place, _ = frame_set.find_run(addr(memory.frames), 0)
    return window.address(place)
