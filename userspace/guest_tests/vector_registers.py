"""Vector registers of every width that the processor has: filled, held through a loop, compared; by hand, because
compiled programs use the narrow ones alone."""
from collections.abc import Callable

from compiler.prelude import asm_x64, const, export, naked, struct, u64
from compiler.prelude.x64 import *

LARGEST_BYTES = const(64)
_OSXSAVE_AND_AVX = const(3 << 27)       # of ECX of CPUID leaf 1
_AVX2 = const(1 << 5)                   # of EBX of leaf 7
_AVX512 = const(1 << 16)
_STATE_OF_AVX = const(6)                # of XCR0
_STATE_OF_AVX512 = const(7 << 5)


@struct
class Width:
    """One way to use the registers. Functions that compare want LARGEST_BYTES to store a register in."""
    bits: u64
    # Fills all registers with the value, counts down in a loop that touches nothing else, and compares; 0: all held.
    hold: Callable[[u64, u64, u64], u64]
    fill: Callable[[u64], None]
    difference: Callable[[u64, u64], u64]       # from the value; 0: every register holds it


def widest() -> Width:
    match _widest_bits():
        case 512:
            return Width(bits=512, hold=_hold_512, fill=_fill_512, difference=_difference_512)
        case 256:
            return Width(bits=256, hold=_hold_256, fill=_fill_256, difference=_difference_256)
        case _:
            return Width(bits=128, hold=_hold_128, fill=_fill_128, difference=_difference_128)


def _widest_bits() -> u64:
    if _cpuid_ecx(1) & _OSXSAVE_AND_AVX != _OSXSAVE_AND_AVX:
        return 128
    enabled = _read_xcr0()
    features = _cpuid_ebx(7)
    if enabled & _STATE_OF_AVX512 == _STATE_OF_AVX512 and features & _AVX512 != 0:
        return 512
    return 256 if enabled & _STATE_OF_AVX == _STATE_OF_AVX and features & _AVX2 != 0 else 128


@asm_x64
def _cpuid_ecx(leaf: u64) -> u64:
    mov(r8, rbx)
    mov(eax, edi)
    xor(ecx, ecx)
    cpuid()
    mov(eax, ecx)
    mov(rbx, r8)


@asm_x64
def _cpuid_ebx(leaf: u64) -> u64:
    mov(r8, rbx)
    mov(eax, edi)
    xor(ecx, ecx)
    cpuid()
    mov(eax, ebx)
    mov(rbx, r8)


@asm_x64
def _read_xcr0() -> u64:
    xor(ecx, ecx)
    xgetbv()
    shl(rdx, 32)
    or_(rax, rdx)


@export("registers_128")
@naked
@asm_x64
def registers_128() -> None:
    """Helpers, as are the two that follow: fill from rdi; compare with rdi, the difference to rax; rdx: 64 bytes."""
    raw("fill_128:")
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("movq xmm\\n, rdi")
    raw("punpcklqdq xmm\\n, xmm\\n")
    raw(".endr")
    ret()
    raw("compare_128:")
    xor(eax, eax)
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("movdqu [rdx], xmm\\n")
    raw(".irp at, 0, 8")
    raw("mov rcx, [rdx + \\at]")
    raw("xor rcx, rdi")
    raw("or rax, rcx")
    raw(".endr")
    raw(".endr")
    ret()


@export("registers_256")
@naked
@asm_x64
def registers_256() -> None:
    raw("fill_256:")
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("vmovq xmm\\n, rdi")
    raw("vpbroadcastq ymm\\n, xmm\\n")
    raw(".endr")
    ret()
    raw("compare_256:")
    xor(eax, eax)
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("vmovdqu [rdx], ymm\\n")
    raw(".irp at, 0, 8, 16, 24")
    raw("mov rcx, [rdx + \\at]")
    raw("xor rcx, rdi")
    raw("or rax, rcx")
    raw(".endr")
    raw(".endr")
    ret()


@export("registers_512")
@naked
@asm_x64
def registers_512() -> None:
    raw("fill_512:")
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("vpbroadcastq zmm\\n, rdi")
    raw(".endr")
    raw(".irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31")
    raw("vpbroadcastq zmm\\n, rdi")
    raw(".endr")
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7")
    raw("kmovw k\\n, edi")
    raw(".endr")
    ret()
    raw("compare_512:")
    xor(eax, eax)
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15")
    raw("vmovdqu64 [rdx], zmm\\n")
    raw(".irp at, 0, 8, 16, 24, 32, 40, 48, 56")
    raw("mov rcx, [rdx + \\at]")
    raw("xor rcx, rdi")
    raw("or rax, rcx")
    raw(".endr")
    raw(".endr")
    raw(".irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31")
    raw("vmovdqu64 [rdx], zmm\\n")
    raw(".irp at, 0, 8, 16, 24, 32, 40, 48, 56")
    raw("mov rcx, [rdx + \\at]")
    raw("xor rcx, rdi")
    raw("or rax, rcx")
    raw(".endr")
    raw(".endr")
    raw(".irp n, 0, 1, 2, 3, 4, 5, 6, 7")
    raw("kmovw ecx, k\\n")
    raw("xor ecx, edi")
    raw("movzx ecx, cx")
    raw("or rax, rcx")
    raw(".endr")
    ret()


@naked
@asm_x64
def _hold_128(value: u64, turns: u64, room: u64) -> u64:
    raw("call fill_128")
    label("again")
    dec(rsi)
    jne("again")
    raw("jmp compare_128")


@naked
@asm_x64
def _hold_256(value: u64, turns: u64, room: u64) -> u64:
    raw("call fill_256")
    label("again")
    dec(rsi)
    jne("again")
    raw("jmp compare_256")


@naked
@asm_x64
def _hold_512(value: u64, turns: u64, room: u64) -> u64:
    raw("call fill_512")
    label("again")
    dec(rsi)
    jne("again")
    raw("jmp compare_512")


@naked
@asm_x64
def _fill_128(value: u64) -> None:
    raw("jmp fill_128")


@naked
@asm_x64
def _fill_256(value: u64) -> None:
    raw("jmp fill_256")


@naked
@asm_x64
def _fill_512(value: u64) -> None:
    raw("jmp fill_512")


@naked
@asm_x64
def _difference_128(value: u64, room: u64) -> u64:
    mov(rdx, rsi)
    raw("jmp compare_128")


@naked
@asm_x64
def _difference_256(value: u64, room: u64) -> u64:
    mov(rdx, rsi)
    raw("jmp compare_256")


@naked
@asm_x64
def _difference_512(value: u64, room: u64) -> u64:
    mov(rdx, rsi)
    raw("jmp compare_512")
