"""What the processor has, asked by a guest test, and instructions that not every one has."""
from compiler.prelude import asm_x64, const, u64
from compiler.prelude.x64 import *

BASE_INSTRUCTIONS = const(1)            # of structured_features()


@asm_x64
def structured_features() -> u64:
    """EBX of CPUID leaf 7."""
    mov(r8, rbx)
    mov(eax, 7)
    xor(ecx, ecx)
    cpuid()
    mov(eax, ebx)
    mov(rbx, r8)


@asm_x64
def set_gs_base(base: u64) -> None:
    wrgsbase(rdi)


@asm_x64
def gs_base() -> u64:
    rdgsbase(rax)
