"""The sole access to user memory: copies that survive addresses that the user made up.

A fault inside _copy_guarded makes it return at once with what is left; exception_from_kernel asks for that through
`resume_after_fault`. With SMAP, user pages are open only during the copy.
"""
from compiler.prelude import asm_x64, naked, ptr, section, u8, u64
from compiler.prelude.x64 import *
from kernel.abi.layout import USER_END, USER_LOWEST
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.frame import Registers


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
    if not u64(_copy_guarded) <= frame.rip < u64(_copy_guarded_end):
        return False
    frame.rax = frame.rcx
    frame.rip = ptr[u64](frame.rsp)[0]
    frame.rsp += 8
    return True


def close_user_pages() -> None:
    """Undoes an alignment-check flag that the user program had set when it was interrupted."""
    if cpu.has_smap:
        _close_user_pages()


def _copy_with_user(destination: u64, source: u64, length: u64) -> bool:
    if cpu.has_smap:
        _open_user_pages()
    left = _copy_guarded(destination, source, length)
    if cpu.has_smap:
        _close_user_pages()
    return left == 0


@section(".text.usercopy")
@naked
@asm_x64
def _copy_guarded(destination: u64, source: u64, length: u64) -> u64:
    """Copies, and returns the number of bytes not copied. Nothing is on the stack but the return address."""
    mov(rcx, rdx)
    rep_movsb()
    mov(rax, rcx)
    ret()


@section(".text.usercopy")
@naked
@asm_x64
def _copy_guarded_end() -> None:
    ud2()


@asm_x64
def _open_user_pages() -> None:
    stac()


@asm_x64
def _close_user_pages() -> None:
    clac()
