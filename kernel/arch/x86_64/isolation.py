"""Isolation of page tables (KPTI): programs run on tables without the kernel's half, against Meltdown.

Every top table then is a pair: the kernel's own, and in the frame behind it the program's, which holds the same lower
half and of the kernel only what the processor and the isolated ways touch before they change the tables: their text,
the gates, and of each CPU its task state, descriptors, entry stack, and the top pages of its exception stacks
(memory/user_view.py). Which of the two is in force is one bit of CR3.
Without isolation the doors of entry.py pay nothing for it. With it there are detours (detour.py) at their beginnings
and ends. Entries from user mode that push come to the entry stack, and are moved from there to the thread's frame. The
exceptions with stacks of their own find either tables in force, and put the same back.
Global pages stay off; without contexts (contexts.py) each change of the tables forgets the others' translations.
Invariants: I-ARCH-8: in the kernel only the isolated ways run on a program's tables.
Source: SDM vol 3, 4.10.2 (CR3), vol 4, table 2-2 (ARCH_CAPABILITIES); Lipp et al., "Meltdown" (2018).
"""
from compiler.prelude import addr, asm_block, asm_x64, const, naked, offsetof, ptr, sizeof, struct, u32, u64
from compiler.prelude.x64 import *
from kernel.abi.syscall import Call
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.barriers import are_on, read_capabilities, selector  # noqa: F401 - the assembler names it
from kernel.arch.x86_64.contexts import OF_PROGRAM
from kernel.arch.x86_64.detour import DETOUR_BYTES, Detour, Wish, write_detours  # noqa: F401 - the assembler names it
from kernel.arch.x86_64.entry import (  # noqa: F401 - the assembler names them
    STUBS_BYTES,
    exception_entry,
    own_stack_entry,
    system_call_door,
    vector_stubs,
)
from kernel.arch.x86_64.frame import PRIVILEGE, Registers
from kernel.arch.x86_64.gdt import Doorstep
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.arch.x86_64.registers import MSR_GS_BASE, CpuidResult, read_cpuid
from kernel.arch.x86_64.traced_entry import traced_door  # noqa: F401 - the assembler names it

_NO_MELTDOWN = const(1 << 0)            # capability: RDCL_NO
_AUTHENTIC_AMD = const(0x6874_7541)     # EBX of CPUID leaf 0
_HYGON_GENUINE = const(0x6F67_7948)
_DETOURS = const(5)
_END_DETOURS = const(2)                 # with and without barriers

_YIELD = const(Call.YIELD)
STRETCHES = const(9)
_VECTOR_AND_ERROR_BYTES = const(16)
_FRAME_BYTES = const(sizeof(Registers))
_CS = const(24)                         # from the stack pointer of a vector's stub
_IS_USERS = const(PAGE_BYTES)           # the bit of CR3
_KERNELS = const(~(PAGE_BYTES | OF_PROGRAM))
_SCRATCH = const(cpu.DOORSTEP_OFFSET + offsetof(Doorstep, "scratch"))
_USERS = const(cpu.DOORSTEP_OFFSET + offsetof(Doorstep, "users"))
_KEPT = const(cpu.DOORSTEP_OFFSET + offsetof(Doorstep, "kept"))


@struct
class Stretch:
    start: u64
    end: u64


def decide(wish: u32) -> None:
    """Whether there is isolation. Requires: nothing has been made that depends on it."""
    cpu.is_isolated = wish == Wish.ON or wish == Wish.AUTOMATIC and _is_leaky()


def change_doors(image: u64) -> None:
    """From here on exceptions are at home on our tables only. Requires: as for write_detours(); barriers.build()."""
    write_detours(_detours(), _DETOURS, image)
    ends = _end_detours()
    if are_on:
        ends = ptr[Detour](addr(ends[_END_DETOURS]))
    write_detours(ends, _END_DETOURS, image)


def _is_leaky() -> bool:
    """Whether programs could read what the tables keep from them. AMD's processors never could."""
    answer = CpuidResult()
    read_cpuid(0, 0, addr(answer))
    if answer.ebx == _AUTHENTIC_AMD or answer.ebx == _HYGON_GENUINE:
        return False
    return read_capabilities() & _NO_MELTDOWN == 0


asm_block("""
    .section .rodata
    .balign 8
isolation_detours:
    .quad {system_call_door}, isolated_system_call
    .quad {traced_door}, isolated_traced
    .quad {exception_entry}, isolated_exception
    .quad {own_stack_entry}, isolated_own_stack
    .quad own_stack_ends, isolated_own_stack_return
isolation_end_detours:
    .quad leave_at_once, isolated_sysret
    .quad leave_by_return, isolated_iret
    .quad guarded_sysret_ends, isolated_sysret
    .quad guarded_iret_ends, isolated_iret
stretches_for_programs:
    .quad {system_call_door}, {system_call_door} + {DETOUR_BYTES}
    .quad {traced_door}, {traced_door} + {DETOUR_BYTES}
    .quad {exception_entry}, {exception_entry} + {DETOUR_BYTES}
    .quad {own_stack_entry}, {own_stack_entry} + {DETOUR_BYTES}
    .quad {vector_stubs}, {vector_stubs} + {STUBS_BYTES}
    .quad {_isolated_entries}, isolated_entries_end
    .quad {_isolated_kernel_exception}, isolated_kernel_exception_end
    .quad {_isolated_own_stacks}, isolated_own_stacks_end
    .quad {_isolated_returns}, isolated_returns_end
    .text
""")


@asm_x64
def stretches() -> ptr[Stretch]:
    """The kernel's text that is run on programs' tables: so many STRETCHES."""
    raw("lea rax, [rip + stretches_for_programs]")


@asm_x64
def _detours() -> ptr[Detour]:
    raw("lea rax, [rip + isolation_detours]")


@asm_x64
def _end_detours() -> ptr[Detour]:
    raw("lea rax, [rip + isolation_end_detours]")


@naked
@asm_x64
def _isolated_entries() -> None:
    """System calls, and exceptions from user mode: on to the kernel's tables, then as if there were no others."""
    raw(".globl isolated_system_call, isolated_traced, isolated_exception, isolated_entries_end")
    raw(".irp door, traced, system_call")
    raw("isolated_\\door:")
    swapgs()
    raw("mov gs:[__percpu_start + {_SCRATCH}], rsp")
    mov(rsp, cr3)
    and_(rsp, _KERNELS)
    raw("or rsp, gs:[__percpu_start + {_KEPT}]")
    mov(cr3, rsp)
    raw("mov rsp, gs:[__percpu_start + {_SCRATCH}]")
    raw(".ifc \\door, traced")
    mov(gs[cpu.user_stack_pointer], rsp)
    raw("jmp traced_goes_on")
    raw(".endif")
    raw(".endr")
    cmp(rax, _YIELD)
    raw("je yield_at_once")
    raw("jmp enter_system_call")
    raw("isolated_exception:")
    test(byte[rsp, _CS], PRIVILEGE)
    raw("je isolated_kernel_exception")
    swapgs()
    raw("mov gs:[__percpu_start + {_SCRATCH}], rax")
    mov(rax, cr3)
    and_(rax, _KERNELS)
    raw("or rax, gs:[__percpu_start + {_KEPT}]")
    mov(cr3, rax)
    mov(rax, rsp)
    mov(rsp, gs[cpu.frame])
    add(rsp, _FRAME_BYTES)
    raw(".irp place, 48, 40, 32, 24, 16, 8, 0")
    raw("push qword ptr [rax + \\place]")
    raw(".endr")
    raw("mov rax, gs:[__percpu_start + {_SCRATCH}]")
    swapgs()
    raw(".globl isolated_first_pushes")
    raw("isolated_first_pushes:")
    raw(".irp name, rax, rbx, rcx, rdx, rsi")
    raw("push \\name")
    raw(".endr")
    raw("jmp exception_goes_on")
    raw("isolated_entries_end:")


@naked
@asm_x64
def _isolated_kernel_exception() -> None:
    """What comes on a program's tables is only a bug: a return that the processor refuses, after swapgs. The report
    needs the gs base, which lies 16 bytes below the end of the page that the stack is in."""
    raw(".globl isolated_kernel_exception, isolated_kernel_exception_end")
    raw("isolated_kernel_exception:")
    push(rax)
    mov(rax, cr3)
    test(eax, _IS_USERS)
    raw("je on_kernel_tables")
    and_(rax, _KERNELS)
    mov(cr3, rax)
    push(rcx)
    push(rdx)
    mov(rdx, rsp)
    or_(rdx, PAGE_BYTES - 8)
    mov(eax, [rdx, -8])
    mov(edx, [rdx, -4])
    mov(ecx, MSR_GS_BASE)
    wrmsr()
    pop(rdx)
    pop(rcx)
    raw("on_kernel_tables:")
    pop(rax)
    raw("jmp isolated_first_pushes")
    raw("isolated_kernel_exception_end:")


@naked
@asm_x64
def _isolated_own_stacks() -> None:
    """The tables that were in force are kept in r12, which the handler preserves."""
    raw(".globl isolated_own_stack, isolated_own_stack_return, isolated_own_stacks_end")
    raw("isolated_own_stack:")
    raw(".irp name, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15")
    raw("push \\name")
    raw(".endr")
    cld()
    mov(r12, cr3)
    mov(rax, r12)
    and_(rax, _KERNELS)
    mov(cr3, rax)
    raw("jmp own_stack_goes_on")
    raw("isolated_own_stack_return:")
    raw("cmp byte ptr [rip + {are_on}], 0")
    raw("je own_stack_return_unguarded")
    raw("verw word ptr [rip + {selector}]")
    raw("own_stack_return_unguarded:")
    mov(cr3, r12)
    raw(".irp name, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax")
    raw("pop \\name")
    raw(".endr")
    add(rsp, _VECTOR_AND_ERROR_BYTES)
    iretq()
    raw("isolated_own_stacks_end:")


@naked
@asm_x64
def _isolated_returns() -> None:
    raw(".globl isolated_sysret, isolated_iret, isolated_returns_end")
    raw("isolated_iret:")
    raw("mov gs:[__percpu_start + {_SCRATCH}], rax")
    mov(rax, rsp)
    mov(rsp, gs[cpu.area])
    add(rsp, cpu.DOORSTEP_OFFSET)
    raw(".irp place, 32, 24, 16, 8, 0")
    raw("push qword ptr [rax + \\place]")
    raw(".endr")
    raw("jmp isolated_iret_tables")
    raw("isolated_sysret:")
    raw("mov gs:[__percpu_start + {_SCRATCH}], rax")
    raw(".irp way, sysret, iret")
    raw("isolated_\\way\\()_tables:")
    mov(rax, cr3)
    raw("or rax, gs:[__percpu_start + {_USERS}]")
    mov(cr3, rax)
    raw("mov rax, gs:[__percpu_start + {_SCRATCH}]")
    swapgs()
    raw("\\way\\()q")
    raw(".endr")
    raw("isolated_returns_end:")
