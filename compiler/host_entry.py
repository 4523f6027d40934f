"""How compiled code is entered from CPython and left again when it traps: assembler that the host target adds to a
module.
"""

HOST_ENTRY = """
.intel_syntax noprefix
.text
.globl "compiler.enter"
"compiler.enter":                       # rdi function, rsi 6 words and 8 floats, rdx 2 words and 2 floats
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    push rdx
    mov r11, qword ptr [rip + "compiler.saved_stack"]
    push r11                            # an outer entry's, when compiled code was entered from within
    mov qword ptr [rip + "compiler.saved_stack"], rsp
    mov rax, rdi
    mov r10, rsi
    mov rdi, qword ptr [r10]
    mov rsi, qword ptr [r10 + 8]
    mov rdx, qword ptr [r10 + 16]
    mov rcx, qword ptr [r10 + 24]
    mov r8, qword ptr [r10 + 32]
    mov r9, qword ptr [r10 + 40]
    movsd xmm0, qword ptr [r10 + 48]
    movsd xmm1, qword ptr [r10 + 56]
    movsd xmm2, qword ptr [r10 + 64]
    movsd xmm3, qword ptr [r10 + 72]
    movsd xmm4, qword ptr [r10 + 80]
    movsd xmm5, qword ptr [r10 + 88]
    movsd xmm6, qword ptr [r10 + 96]
    movsd xmm7, qword ptr [r10 + 104]
    sub rsp, 8
    call rax
    add rsp, 8
.Lcompiler_leave:
    pop r11
    mov qword ptr [rip + "compiler.saved_stack"], r11
    pop rcx
    mov qword ptr [rcx], rax
    mov qword ptr [rcx + 8], rdx
    movsd qword ptr [rcx + 16], xmm0
    movsd qword ptr [rcx + 24], xmm1
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret
.globl "compiler.leave"
"compiler.leave":                       # rdi the trap's site
    mov qword ptr [rip + "compiler.trapped_site"], rdi
    mov rsp, qword ptr [rip + "compiler.saved_stack"]
    jmp .Lcompiler_leave
.data
.balign 8
"compiler.saved_stack": .quad 0
.globl "compiler.trapped_site"
"compiler.trapped_site": .quad 0
.text
"""
