"""Device memory: which physical ranges may be made into Memory objects that the allocator does not own.

Memory of the machine, its firmware's tables and the registers that the kernel itself uses never may.
"""
from compiler.prelude import addr, array, const, ptr, struct, u64
from kernel.abi.errors import Status
from kernel.abi.memory import Cache
from kernel.arch.x86_64.pages import PAGE_BYTES, PAGE_SHIFT
from kernel.caps import table
from kernel.caps.object import Account
from kernel.memory import physical
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.objects.memory import make_device_memory

_ADDRESS_END = const(1 << 44)           # what a frame's number can say
_PAGE_MASK = const(PAGE_BYTES - 1)


@struct
class Range:
    start: u64
    end: u64


# Where PCs have the kernel's own registers: I/O APICs, HPET, local APICs and the addresses of message interrupts.
# Source: Intel I/O Controller Hub 9 data sheet, 9.4 (memory map); SDM vol 3, 11.4.1, 11.11.1.
_kernels_own: array[Range, 3] = array(
    Range(start=0xFEC0_0000, end=0xFED0_0000),
    Range(start=0xFED0_0000, end=0xFED0_4000),
    Range(start=0xFEE0_0000, end=0xFEF0_0000),
)


def create_device_memory(call: ptr[Invocation]) -> tuple[Status, u64]:
    """Errors: BAD_ARGUMENT, BAD_ADDRESS for what is no device's, OVER_LIMIT, NO_MEMORY."""
    start = call.arguments[1]
    length = call.arguments[2]
    cache = call.arguments[3]
    if length == 0 or (start | length) & _PAGE_MASK != 0 or cache > Cache.WRITE_COMBINING:
        return Status.BAD_ARGUMENT, 0
    if start >= _ADDRESS_END or length > _ADDRESS_END - start or not _is_device(start, start + length):
        return Status.BAD_ADDRESS, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    account = ptr[Account](call.argument_object(0))
    memory, made = make_device_memory(account, start >> PAGE_SHIFT, length >> PAGE_SHIFT, cache)
    if memory is None:
        table.give_back(addr(call.process.table), slot)
        return made, 0
    return Status.OK, give_object(call.process, slot, addr(memory.header))


def _is_device(start: u64, end: u64) -> bool:
    if start < PAGE_BYTES or physical.is_memory(start, end):
        return False
    for index in range(len(_kernels_own)):
        if start < _kernels_own[index].end and _kernels_own[index].start < end:
            return False
    return True
