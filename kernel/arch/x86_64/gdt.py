"""Segments and the task state: one GDT and one TSS per CPU.

Owns: the descriptors behind the selectors of frame.py, the stacks that the processor switches to by itself.
The order code, data (kernel), unused, data, code (user) is what SYSCALL and SYSRET derive from one register.
Source: SDM vol 3, 3.4.5 (descriptors), 8.7 (64-bit TSS), 6.14.5 (interrupt stack table).
"""
from compiler.prelude import (
    addr,
    array,
    asm_x64,
    const,
    memory_fill,
    naked,
    offsetof,
    percpu,
    ptr,
    sizeof,
    struct,
    u8,
    u16,
    u32,
    u64,
)
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import contexts, cpu
from kernel.arch.x86_64.frame import KERNEL_CODE, KERNEL_DATA, Registers
from kernel.arch.x86_64.pages import PAGE_BYTES

_DESCRIPTORS = const(8)
_NULL = const(0)
_CODE_KERNEL = const(0x00AF_9B00_0000_FFFF)
_DATA_KERNEL = const(0x00CF_9300_0000_FFFF)
_DATA_USER = const(0x00CF_F300_0000_FFFF)
_CODE_USER = const(0x00AF_FB00_0000_FFFF)
_TASK_TYPE = const(0x89 << 40)
_TASK_SELECTOR = const(0x30)

_PORT_BYTES = const(65536 // 8)
_OUT_OF_REACH = const(0xFFFF)           # beyond the limit of the task state's segment

_ENTRY_STACK_BYTES = const(2048)        # at least

EXCEPTION_STACKS = const(4)             # for NMI, double fault, machine check and debug, in this order


@struct(packed=True)
class TaskState:
    reserved_0: u32
    rsp0: u64                           # taken on entry from user mode: the end of the current thread's frame, or
    #                                     with isolation of the entry stack
    rsp1: u64
    rsp2: u64
    reserved_1: u64
    exception_stacks: array[u64, 7]
    reserved_2: u64
    reserved_3: u16
    port_bitmap: u16                    # where the permission bits lie, from here


@struct(packed=True)
class Task:
    """Lies behind the CPU's data: cpu.TASK_OFFSET."""
    state: TaskState
    ports: array[u8, _PORT_BYTES]       # a set bit refuses a port
    end: u8                             # all ones: the processor reads two bytes at a time


@struct
class Doorstep:
    """Lies at the end of the CPU's data, behind its entry stack. With isolation (isolation.py), this and the Task are
    what programs' page tables hold of them."""
    descriptors: array[u64, _DESCRIPTORS]
    scratch: u64                        # of the isolated ways
    frame_end: u64                      # in place of rsp0, with isolation
    users: u64                          # bits of CR3 that are set for a program's tables
    kept: u64                           # the bit of CR3 by which nothing is forgotten, if there is one
    gs_base: u64                        # of this CPU; 16 bytes below the page's end, as on the exception stacks
    unused: u64


@struct(packed=True)
class TablePointer:
    limit: u16
    base: u64


assert sizeof(TaskState) == 104
assert cpu.TASK_OFFSET + sizeof(Task) + _ENTRY_STACK_BYTES <= cpu.DOORSTEP_OFFSET
assert offsetof(Doorstep, "gs_base") + cpu.DOORSTEP_OFFSET == cpu.AREA_BYTES - 16

_frame_end: percpu[u64] = 0             # address of the word that says where the current thread's frame ends


def load(exception_stack_ends: ptr[u64]) -> None:
    """Builds and loads the tables of this CPU. The gs base survives."""
    global _frame_end
    mine = _doorstep()
    mine.gs_base = cpu.base
    own = _task()
    _frame_end = u64(own) + offsetof(TaskState, "rsp0")
    if cpu.is_isolated:
        own.state.rsp0 = u64(mine)      # where the entry stack ends
        _frame_end = u64(addr(mine.frame_end))
        mine.kept = contexts.KEPT if cpu.has_contexts else u64(0)
        mine.users = PAGE_BYTES | (contexts.KEPT | contexts.OF_PROGRAM if cpu.has_contexts else u64(0))
    own.state.port_bitmap = _OUT_OF_REACH
    memory_fill(addr(own.ports), 0xFF, _PORT_BYTES + 1)
    for number in range(EXCEPTION_STACKS):
        own.state.exception_stacks[number] = exception_stack_ends[number]
    task = u64(own)
    mine.descriptors[0] = _NULL
    mine.descriptors[1] = _CODE_KERNEL
    mine.descriptors[2] = _DATA_KERNEL
    mine.descriptors[3] = _NULL
    mine.descriptors[4] = _DATA_USER
    mine.descriptors[5] = _CODE_USER
    mine.descriptors[6] = (
        (sizeof(Task) - 1) | ((task & 0xFF_FFFF) << 16) | _TASK_TYPE | (((task >> 24) & 0xFF) << 56)
    )
    mine.descriptors[7] = task >> 32
    pointer = TablePointer(limit=_DESCRIPTORS * 8 - 1, base=u64(addr(mine.descriptors)))
    _load_segments(addr(pointer))
    _load_task(_TASK_SELECTOR)


def set_frame(frame: ptr[Registers]) -> None:
    """Makes entries from user mode on this CPU leave the user's registers in `frame`."""
    cpu.frame = frame
    ptr[u64](_frame_end)[0] = u64(frame) + sizeof(Registers)


def reach_ports(is_reached: bool) -> None:
    """Whether the bitmap counts on this CPU; when it does not, every port is refused."""
    _task().state.port_bitmap = sizeof(TaskState) if is_reached else _OUT_OF_REACH


def port_bitmap() -> ptr[u8]:
    return ptr[u8](addr(_task().ports))


def _task() -> ptr[Task]:
    return ptr[Task](cpu.area + cpu.TASK_OFFSET)


def _doorstep() -> ptr[Doorstep]:
    return ptr[Doorstep](cpu.area + cpu.DOORSTEP_OFFSET)


@naked
@asm_x64
def _load_segments(pointer: ptr[TablePointer]) -> None:
    lgdt([rdi])
    mov(eax, KERNEL_DATA)
    mov(ss, eax)
    pop(rax)
    push(KERNEL_CODE)
    push(rax)
    retfq()


@asm_x64
def _load_task(selector: u64) -> None:
    ltr(di)
