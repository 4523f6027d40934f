"""The registers and operand forms of x86-64, as names for the bodies of `@asm_x64` functions.

They exist so that sources import and type-check; such bodies are text for the compiler and are never executed.
"""

from __future__ import annotations

import typing as _typing


class Register:
    """A register; `rcx * 8` is the scaled index of a memory operand."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    def __mul__(self, scale: int) -> Scaled:
        if scale not in (1, 2, 4, 8):
            raise ValueError(f"an index register is scaled by 1, 2, 4 or 8, not {scale}")
        return Scaled(self, scale)


class Scaled:
    """An index register times 1, 2, 4 or 8."""

    def __init__(self, register: Register, scale: int) -> None:
        self.register, self.scale = register, scale


class Memory:
    """A memory operand whose size or segment is spelled out: `qword[rsp, 8]`, `gs[16]`, `dword[gs, 16]`."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def __getitem__(self, place: Operand) -> Memory:
        return Memory(self.prefix)


class SegmentRegister(Register, Memory):
    """A segment register: an operand of mov, push and pop, and a prefix of memory operands."""

    def __init__(self, name: str) -> None:
        Register.__init__(self, name)
        Memory.__init__(self, name)


# Functions, module data and structs are named in operands and stand for their addresses.
Operand: _typing.TypeAlias = _typing.Any

# General purpose, 64, 32, 16 and 8 bits wide
rax = Register("rax")
rbx = Register("rbx")
rcx = Register("rcx")
rdx = Register("rdx")
rsi = Register("rsi")
rdi = Register("rdi")
rbp = Register("rbp")
rsp = Register("rsp")
r8 = Register("r8")
r9 = Register("r9")
r10 = Register("r10")
r11 = Register("r11")
r12 = Register("r12")
r13 = Register("r13")
r14 = Register("r14")
r15 = Register("r15")
eax = Register("eax")
ebx = Register("ebx")
ecx = Register("ecx")
edx = Register("edx")
esi = Register("esi")
edi = Register("edi")
ebp = Register("ebp")
esp = Register("esp")
r8d = Register("r8d")
r9d = Register("r9d")
r10d = Register("r10d")
r11d = Register("r11d")
r12d = Register("r12d")
r13d = Register("r13d")
r14d = Register("r14d")
r15d = Register("r15d")
ax = Register("ax")
bx = Register("bx")
cx = Register("cx")
dx = Register("dx")
si = Register("si")
di = Register("di")
bp = Register("bp")
sp = Register("sp")
r8w = Register("r8w")
r9w = Register("r9w")
r10w = Register("r10w")
r11w = Register("r11w")
r12w = Register("r12w")
r13w = Register("r13w")
r14w = Register("r14w")
r15w = Register("r15w")
al = Register("al")
bl = Register("bl")
cl = Register("cl")
dl = Register("dl")
sil = Register("sil")
dil = Register("dil")
bpl = Register("bpl")
spl = Register("spl")
ah = Register("ah")
bh = Register("bh")
ch = Register("ch")
dh = Register("dh")
r8b = Register("r8b")
r9b = Register("r9b")
r10b = Register("r10b")
r11b = Register("r11b")
r12b = Register("r12b")
r13b = Register("r13b")
r14b = Register("r14b")
r15b = Register("r15b")

# Instruction pointer, for `[rip, name]`
rip = Register("rip")

# Segments
cs = SegmentRegister("cs")
ds = SegmentRegister("ds")
es = SegmentRegister("es")
fs = SegmentRegister("fs")
gs = SegmentRegister("gs")
ss = SegmentRegister("ss")

# Control and debug
cr0 = Register("cr0")
cr2 = Register("cr2")
cr3 = Register("cr3")
cr4 = Register("cr4")
cr8 = Register("cr8")
dr0 = Register("dr0")
dr1 = Register("dr1")
dr2 = Register("dr2")
dr3 = Register("dr3")
dr6 = Register("dr6")
dr7 = Register("dr7")

# Vectors, for user programs
xmm0 = Register("xmm0")
xmm1 = Register("xmm1")
xmm2 = Register("xmm2")
xmm3 = Register("xmm3")
xmm4 = Register("xmm4")
xmm5 = Register("xmm5")
xmm6 = Register("xmm6")
xmm7 = Register("xmm7")
xmm8 = Register("xmm8")
xmm9 = Register("xmm9")
xmm10 = Register("xmm10")
xmm11 = Register("xmm11")
xmm12 = Register("xmm12")
xmm13 = Register("xmm13")
xmm14 = Register("xmm14")
xmm15 = Register("xmm15")

# Sizes of memory operands
byte = Memory("byte")
word = Memory("word")
dword = Memory("dword")
qword = Memory("qword")
xmmword = Memory("xmmword")
