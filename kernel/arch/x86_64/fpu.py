"""Vector state: which of it the processor has, how it is saved and restored, and what a program starts with.

A CPU on which vectors are off raises "no vector unit" at the first vector instruction (CR0.TS); they are on exactly
while the thread that runs has vector state of its own.
Source: SDM vol 1, 13 (XSAVE), 10.5.1 (layout of the FXSAVE area), 8.1.5 and 10.2.3 (control words after reset).
"""
from compiler.prelude import addr, asm_x64, const, percpu, ptr, struct, u8, u16, u32, u64
from compiler.prelude.x64 import *
from kernel.arch.x86_64.registers import CR4_XSAVE, CpuidResult, has_bit, read_cpuid, read_cr4, write_cr4

FXSAVE_BYTES = const(512)
_LEAF_XSAVE = const(0xD)
_X87 = const(1 << 0)
_SSE = const(1 << 1)
_AVX = const(1 << 2)
_AVX512 = const(7 << 5)                 # mask registers, upper halves, upper registers: all or none
_CONTROL_WORD = const(0x037F)
_MXCSR = const(0x1F80)


@struct
class LegacyState:
    """The beginning of every vector state."""
    control: u16
    status: u16
    tags: u16
    opcode: u16
    instruction: u64
    operand: u64
    mxcsr: u32


state_bytes: u64 = FXSAVE_BYTES         # of one thread's vector state
_components: u64 = 0                    # of XSAVE; 0 when the processor has only FXSAVE

_are_on: percpu[bool] = True


def find_features() -> None:
    """Notes what the processor has. Requires: the boot CPU."""
    global state_bytes, _components
    answer = CpuidResult()
    read_cpuid(1, 0, addr(answer))
    if not has_bit(answer.ecx, 26):
        return
    read_cpuid(_LEAF_XSAVE, 0, addr(answer))
    _components = _X87 | _SSE
    if answer.eax & _AVX != 0:
        _components |= _AVX
        if answer.eax & _AVX512 == _AVX512:
            _components |= _AVX512
    write_cr4(read_cr4() | CR4_XSAVE)
    _write_xcr0(_components)
    read_cpuid(_LEAF_XSAVE, 0, addr(answer))        # ebx: bytes for what XCR0 enables
    state_bytes = u64(answer.ebx)


def turn_on_features() -> None:
    """Enables on this CPU what was found, and turns vectors off."""
    if _components != 0:
        write_cr4(read_cr4() | CR4_XSAVE)
        _write_xcr0(_components)
    turn_off()


def turn_off() -> None:
    global _are_on
    if _are_on:
        _set_task_switched()
        _are_on = False


def turn_on() -> None:
    global _are_on
    if not _are_on:
        _clear_task_switched()
        _are_on = True


def start_state(state: ptr[u8]) -> None:
    """Makes zeroed memory of `state_bytes` the state of a program that has used no vectors."""
    legacy = ptr[LegacyState](state)
    legacy.control = _CONTROL_WORD
    legacy.mxcsr = _MXCSR


def save(state: ptr[u8]) -> None:
    """Requires: vectors are on; `state` is 64-byte aligned."""
    if _components != 0:
        _xsave(state, _components)
    else:
        _fxsave(state)


def restore(state: ptr[u8]) -> None:
    if _components != 0:
        _xrstor(state, _components)
    else:
        _fxrstor(state)


@asm_x64
def _xsave(state: ptr[u8], components: u64) -> None:
    mov(rax, rsi)
    mov(rdx, rsi)
    shr(rdx, 32)
    xsave64([rdi])


@asm_x64
def _xrstor(state: ptr[u8], components: u64) -> None:
    mov(rax, rsi)
    mov(rdx, rsi)
    shr(rdx, 32)
    xrstor64([rdi])


@asm_x64
def _fxsave(state: ptr[u8]) -> None:
    fxsave64([rdi])


@asm_x64
def _fxrstor(state: ptr[u8]) -> None:
    fxrstor64([rdi])


@asm_x64
def _write_xcr0(components: u64) -> None:
    xor(ecx, ecx)
    mov(rax, rdi)
    mov(rdx, rdi)
    shr(rdx, 32)
    xsetbv()


@asm_x64
def _set_task_switched() -> None:
    mov(rax, cr0)
    or_(rax, 8)
    mov(cr0, rax)


@asm_x64
def _clear_task_switched() -> None:
    clts()
