"""The other CPUs: the first instructions that they run in the kernel.

The loader parks them; a store of an address releases one, which then finds itself on the loader's page tables and
stack. Text and data of the kernel's image have the same addresses in the loader's tables and in ours.
"""
from typing import NoReturn

from boot.limine.protocol import MpInfo
from compiler.prelude import array, asm_x64, atomic, const, naked, offsetof, struct, u32, u64, zeroed
from compiler.prelude.x64 import *
from kernel.arch.x86_64.registers import EFER_NO_EXECUTE, MSR_EFER
from kernel.config import CPU_LIMIT


@struct
class CpuStart:
    """What a CPU needs to find its feet."""
    page_tables: u64
    stack_end: u64
    area: u64                           # for its per-CPU data
    log_ring: u64
    index: u32
    is_running: atomic[u32]


_EXTRA_ARGUMENT = const(offsetof(MpInfo, "extra_argument"))
_PAGE_TABLES = const(offsetof(CpuStart, "page_tables"))
_STACK_END = const(offsetof(CpuStart, "stack_end"))

starts: array[CpuStart, CPU_LIMIT] = zeroed()


@naked
@asm_x64
def processor_door() -> None:
    """Entered from the loader's parking place with the address of this CPU's MpInfo in rdi, interrupts off."""
    mov(rdi, [rdi, _EXTRA_ARGUMENT])
    mov(ecx, MSR_EFER)
    rdmsr()
    or_(eax, EFER_NO_EXECUTE)
    wrmsr()
    mov(rax, [rdi, _PAGE_TABLES])
    mov(cr3, rax)
    mov(rsp, [rdi, _STACK_END])
    xor(ebp, ebp)
    raw("call start_processor")
    ud2()


@naked
@asm_x64
def change_tables_and_stack(page_tables: u64, stack_end: u64, function: u64) -> NoReturn:
    """The boot CPU's step off the loader's tables and stack, into a function that does not return."""
    mov(cr3, rdi)
    mov(rsp, rsi)
    xor(ebp, ebp)
    call(rdx)
    ud2()
