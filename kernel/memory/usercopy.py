"""The sole access to user memory: copies that survive addresses that the user made up.

A copy moves words, then bytes. A fault among the words goes on with bytes from the word that faulted; a fault among the
bytes ends the copy with the number of bytes that are left, exactly. exception_from_kernel asks for that through
resume_after_fault(). With SMAP, user pages are open only during the copy.
"""
from compiler.prelude import asm_x64, const, naked, ptr, u8, u64
from compiler.prelude.x64 import *
from kernel.abi.layout import USER_END, USER_LOWEST
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.frame import Registers

_WORD_BYTES = const(8)


def copy_from_user(destination: ptr[u8], source: u64, length: u64) -> bool:
    """Copies `length` bytes in. Returns False, the destination in part overwritten, when not all could be read."""
    return is_user_range(source, length) and _copy_with_user(u64(destination), source, length)


def copy_to_user(destination: u64, source: ptr[u8], length: u64) -> bool:
    """Copies `length` bytes out. Returns False, the destination in part overwritten, when not all could be written."""
    return is_user_range(destination, length) and _copy_with_user(destination, u64(source), length)


def is_user_range(start: u64, length: u64) -> bool:
    return USER_LOWEST <= start <= USER_END and length <= USER_END - start


def resume_after_fault(frame: ptr[Registers]) -> bool:
    """Turns a fault inside a guarded copy into its return. Returns False for faults anywhere else."""
    if frame.rip == u64(_move_words):
        frame.rcx = frame.rcx * _WORD_BYTES + frame.rdx
        frame.rip = u64(_move_bytes)
        return True
    if frame.rip == u64(_move_bytes):
        # Back to the caller, with nothing on the stack but the return address.
        frame.rax = frame.rcx
        frame.rip = ptr[u64](frame.rsp)[0]
        frame.rsp += _WORD_BYTES
        return True
    return False


def close_user_pages() -> None:
    """Undoes an alignment-check flag that the user program had set when it was interrupted."""
    if cpu.has_smap:
        _close_user_pages()


def _copy_with_user(destination: u64, source: u64, length: u64) -> bool:
    if cpu.has_smap:
        _open_user_pages()
    left = _move_words(destination, source, length % _WORD_BYTES, length // _WORD_BYTES)
    if cpu.has_smap:
        _close_user_pages()
    return left == 0


@naked
@asm_x64
def _move_words(destination: u64, source: u64, bytes_after: u64, words: u64) -> u64:
    """Returns the number of bytes not copied. Begins with the instruction that can fault."""
    raw("rep movsq")
    mov(rcx, rdx)
    jmp(_move_bytes)


@naked
@asm_x64
def _move_bytes() -> u64:
    """Likewise; the count is in rcx."""
    raw("rep movsb")
    mov(rax, rcx)
    ret()


@asm_x64
def _open_user_pages() -> None:
    stac()


@asm_x64
def _close_user_pages() -> None:
    clac()
