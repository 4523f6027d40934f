"""Memory from outside: made, mapped, changed, copied, unmapped."""
from compiler.prelude import const, u8, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import Operation, Submission
from kernel.arch.x86_64.pages import LARGE_PAGE_BYTES, PAGE_BYTES
from userspace.lib.syscall import invoke

PAGE = const(PAGE_BYTES)
LARGE_PAGE = const(LARGE_PAGE_BYTES)


def create_memory(account: u64, length: u64, flags: u64 = 0) -> tuple[Status, u64]:
    """Memory of `length` bytes, all of it ready to be mapped. Returns its handle."""
    status, memory = invoke(account, Method.ACCOUNT_CREATE_MEMORY, length, flags)
    if status != Status.OK:
        return status, 0
    left: u64 = 1
    while left != 0:
        status, left = invoke(memory, Method.MEMORY_PREPARE)
        if status != Status.OK:
            return status, memory
    return Status.OK, memory


def map_memory(memory: u64, process: u64, place: u64, offset: u64, length: u64) -> Status:
    """The low bits of `place` are the access (kernel/abi/memory.py)."""
    status, _ = invoke(memory, Method.MEMORY_MAP, process, place, offset, length)
    return status


def unmap(process: u64, start: u64, length: u64) -> Status:
    status, _ = invoke(process, Method.PROCESS_UNMAP, start, length)
    return status


def protect(process: u64, place: u64, length: u64) -> Status:
    status, _ = invoke(process, Method.PROCESS_PROTECT, place, length)
    return status


def seal(memory: u64) -> Status:
    status, _ = invoke(memory, Method.MEMORY_SEAL)
    return status


def copy_entry(source: u64, begin: u64, target: u64, place: u64, length: u64) -> Submission:
    """What a ring is given to copy `length` bytes of one Memory, from `begin` on, to `place` in another one."""
    return Submission(
        operation=u8(Operation.COPY), capability=source, word3=target, word0=begin, word1=place, word2=length
    )
