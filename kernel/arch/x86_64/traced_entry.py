"""The door for system calls while they are traced: it records the call, then goes through the ordinary door.

It also makes the way out a slow one (cpu.attention), where the return is recorded.
"""
from compiler.prelude import asm_x64, naked
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.entry import system_call_door


@naked
@asm_x64
def traced_door() -> None:
    """Entered by SYSCALL, like system_call_door."""
    swapgs()
    mov(gs[cpu.user_stack_pointer], rsp)
    raw(".globl traced_goes_on")
    raw("traced_goes_on:")
    mov(rsp, gs[cpu.kernel_stack_end])
    raw(".irp name, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11")
    raw("push \\name")
    raw(".endr")
    sub(rsp, 8)
    mov(rsi, rdi)
    mov(rdi, rax)
    raw("call trace_system_call")
    add(rsp, 8)
    raw(".irp name, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax")
    raw("pop \\name")
    raw(".endr")
    mov(dword[gs, cpu.attention], 1)
    mov(rsp, gs[cpu.user_stack_pointer])
    swapgs()
    jmp(system_call_door)
