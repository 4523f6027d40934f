"""Barriers against what processors do ahead of time: which this machine wants, and the ways in and out that have them.

With barriers there are detours (detour.py) at the last instructions of each way to user mode, and the first after an
exception: to guarded ways, which clear the processor's buffers on the way out (VERW), forget what it learned about
branches when another program goes on (IBPB), and let nothing run ahead of the choice of gs base (LFENCE).
What speculates past a check of bounds inside the kernel is not held back, nor are returns: no retpolines.
Source: SDM vol 4, table 2-2 (SPEC_CTRL, PRED_CMD, ARCH_CAPABILITIES); Intel's "Speculative Execution Side Channel
Mitigations" and "Microarchitectural Data Sampling"; AMD64 vol 2, 3.2.9.
"""
from compiler.prelude import addr, asm_block, asm_x64, const, export, naked, percpu, ptr, u16, u32, u64
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.detour import Detour, Wish, write_detours
from kernel.arch.x86_64.frame import KERNEL_DATA
from kernel.arch.x86_64.registers import CpuidResult, has_bit, read_cpuid, read_msr, write_msr
from kernel.arch.x86_64.tlb import in_force

_STRUCTURED_FEATURES = const(7)
_SIZES = const(0x8000_0008)             # AMD's bits are in EBX
_EXTENDED_BASE = const(0x8000_0000)
_MSR_SPECULATION = const(0x48)
_MSR_PREDICTORS = const(0x49)
_MSR_CAPABILITIES = const(0x10A)
_ALL_THE_TIME = const(1 << 1)           # capability: restricted speculation can stay on, without a write at each entry
_NO_LEAKING_BUFFERS = const(1 << 5)     # capability
_RESTRICTED = const(1 << 0)             # of MSR_SPECULATION: indirect branches (IBRS)
_SINGLE_THREAD = const(1 << 1)          # indirect branches of the sibling thread (STIBP)
_NO_STORE_BYPASS = const(1 << 2)
_FORGET = const(1)                      # of MSR_PREDICTORS
_DETOURS = const(5)

are_on: bool = False
_control: u64 = 0                       # for MSR_SPECULATION; 0: it may not exist
_forgets: bool = False                  # MSR_PREDICTORS exists
selector: u16 = KERNEL_DATA            # for VERW, whose only use is what it does besides

_last: percpu[u64] = 0                  # the address space of the program that last ran on this CPU
_rax: percpu[u64] = 0                   # scratch of the ways out
_rcx: percpu[u64] = 0
_rdx: percpu[u64] = 0


def build(wish: u32, image: u64) -> None:
    """Finds out what this machine wants, and changes the doors. Requires: as for write_detours()."""
    global are_on
    if wish == Wish.OFF:
        return
    needs_clearing = _find(wish == Wish.ON)
    are_on = needs_clearing or _forgets or wish == Wish.ON
    if are_on:
        write_detours(_detours(), _DETOURS, image)


def turn_on() -> None:
    """What each CPU has to be told."""
    if _control != 0:
        write_msr(_MSR_SPECULATION, _control)


def read_capabilities() -> u64:
    """What the processor says that it is safe from; 0 when it says nothing."""
    answer = CpuidResult()
    read_cpuid(0, 0, addr(answer))
    if answer.eax < _STRUCTURED_FEATURES:
        return 0
    read_cpuid(_STRUCTURED_FEATURES, 0, addr(answer))
    return read_msr(_MSR_CAPABILITIES) if has_bit(answer.edx, 29) else u64(0)


def _find(wants_all: bool) -> bool:
    """Returns whether buffers have to be cleared on the way to user mode."""
    global _control, _forgets
    answer = CpuidResult()
    read_cpuid(0, 0, addr(answer))
    capabilities = read_capabilities()
    clears = False
    if answer.eax >= _STRUCTURED_FEATURES:
        read_cpuid(_STRUCTURED_FEATURES, 0, addr(answer))
        clears = has_bit(answer.edx, 10) and capabilities & _NO_LEAKING_BUFFERS == 0
        _forgets = has_bit(answer.edx, 26)
        if _forgets and capabilities & _ALL_THE_TIME != 0:
            _control |= _RESTRICTED
        if has_bit(answer.edx, 27):
            _control |= _SINGLE_THREAD
        if wants_all and has_bit(answer.edx, 31):
            _control |= _NO_STORE_BYPASS
    read_cpuid(_EXTENDED_BASE, 0, addr(answer))
    if answer.eax >= _SIZES:
        read_cpuid(_SIZES, 0, addr(answer))
        _forgets = _forgets or has_bit(answer.ebx, 12)
        if has_bit(answer.ebx, 14) and has_bit(answer.ebx, 16):
            _control |= _RESTRICTED
        if has_bit(answer.ebx, 15):
            _control |= _SINGLE_THREAD
        if wants_all and has_bit(answer.ebx, 24):
            _control |= _NO_STORE_BYPASS
    return clears


asm_block("""
    .section .rodata
    .balign 8
barrier_detours:
    .quad leave_at_once, guarded_sysret
    .quad leave_by_return, guarded_iret
    .quad leave_own_stack, guarded_own_stack_return
    .quad entered_from_user, guarded_user_entry
    .quad entered_from_kernel, guarded_kernel_entry
    .text
""")


@asm_x64
def _detours() -> ptr[Detour]:
    raw("lea rax, [rip + barrier_detours]")


@export("guarded_ways")
@naked
@asm_x64
def guarded_ways() -> None:
    """Each does what the jump was written over, too. Every register but the stack pointer is the user's."""
    raw(".globl guarded_sysret, guarded_iret, guarded_own_stack_return, guarded_user_entry, guarded_kernel_entry")
    raw(".globl guarded_sysret_ends, guarded_iret_ends")        # where isolation.py goes on
    raw(".irp way, sysret, iret")
    raw("guarded_\\way:")
    mov(gs[_rax], rax)
    mov(rax, gs[in_force])
    cmp(rax, gs[_last])
    raw("jne forget_before_\\way")
    raw("clear_before_\\way:")
    mov(rax, gs[_rax])
    raw("verw word ptr [rip + {selector}]")
    raw("guarded_\\way\\()_ends:")
    swapgs()
    raw("\\way\\()q")
    raw("forget_before_\\way:")
    mov(gs[_last], rax)
    raw("cmp byte ptr [rip + {_forgets}], 0")
    raw("je clear_before_\\way")
    mov(gs[_rcx], rcx)
    mov(gs[_rdx], rdx)
    mov(ecx, _MSR_PREDICTORS)
    mov(eax, _FORGET)
    xor(edx, edx)
    wrmsr()
    mov(rcx, gs[_rcx])
    mov(rdx, gs[_rdx])
    raw("jmp clear_before_\\way")
    raw(".endr")
    raw("guarded_own_stack_return:")
    add(rsp, 16)
    raw("verw word ptr [rip + {selector}]")
    iretq()
    raw("guarded_user_entry:")
    swapgs()
    lfence()
    mov(rsp, gs[cpu.kernel_stack_end])
    raw("jmp call_from_user")
    raw("guarded_kernel_entry:")
    lfence()
    mov(rbx, rsp)
    and_(rsp, -16)
    raw("jmp call_from_kernel")
