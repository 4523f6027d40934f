"""A stopped thread's registers, out to a debugger and in from one; what comes in is made harmless first."""
from compiler.prelude import addr, atomic, const, ptr, sizeof, u8, u64
from kernel.abi.errors import Status
from kernel.abi.layout import USER_END
from kernel.abi.thread import ThreadRegisters
from kernel.arch.x86_64.frame import USER_FLAGS
from kernel.core import context
from kernel.core.thread_block import Thread, is_program_counter
from kernel.memory.usercopy import copy_from_user, copy_to_user

# Carry, parity, adjust, zero, sign, trap, direction, overflow, alignment check, identification.
_PROGRAM_FLAGS = const(0x0024_0DD5)


def read_registers(thread: ptr[Thread], destination: u64) -> Status:
    """Requires: the thread does not run."""
    registers = ThreadRegisters()
    snapshot(thread, addr(registers))
    is_done = copy_to_user(destination, ptr[u8](addr(registers)), sizeof(ThreadRegisters))
    return Status.OK if is_done else Status.BAD_ADDRESS


def snapshot(thread: ptr[Thread], to: ptr[ThreadRegisters]) -> None:
    source = addr(thread.registers)
    to.rax = source.rax
    to.rbx = source.rbx
    to.rcx = source.rcx
    to.rdx = source.rdx
    to.rsi = source.rsi
    to.rdi = source.rdi
    to.rbp = source.rbp
    to.rsp = source.rsp
    to.r8 = source.r8
    to.r9 = source.r9
    to.r10 = source.r10
    to.r11 = source.r11
    to.r12 = source.r12
    to.r13 = source.r13
    to.r14 = source.r14
    to.r15 = source.r15
    to.rip = source.rip
    to.rflags = source.rflags
    to.fs_base = thread.fs_base
    to.gs_base = thread.gs_base


def write_registers(thread: ptr[Thread], source: u64) -> Status:
    """Requires: the thread is held (core/wait.py)."""
    given = ThreadRegisters()
    if not copy_from_user(ptr[u8](addr(given)), source, sizeof(ThreadRegisters)):
        return Status.BAD_ADDRESS
    if not is_program_counter(given.rip):
        return Status.BAD_ARGUMENT
    return install(thread, addr(given))


def install(thread: ptr[Thread], given: ptr[ThreadRegisters]) -> Status:
    """Registers that may change meanwhile: what is checked is read once. Requires: the caller owns the thread, and
    load_bases() follows if it runs. A program counter of 0 is taken too: it faults in user mode."""
    counter = _read_once(addr(given.rip))
    fs_base = _read_once(addr(given.fs_base))
    gs_base = _read_once(addr(given.gs_base))
    flags = _read_once(addr(given.rflags))
    if counter != 0 and not is_program_counter(counter) or fs_base >= USER_END or gs_base >= USER_END:
        return Status.BAD_ARGUMENT
    registers = addr(thread.registers)
    registers.rip = counter
    registers.rflags = (flags & _PROGRAM_FLAGS) | USER_FLAGS
    registers.rsp = given.rsp
    registers.rax = given.rax
    registers.rbx = given.rbx
    registers.rcx = given.rcx
    registers.rdx = given.rdx
    registers.rsi = given.rsi
    registers.rdi = given.rdi
    registers.rbp = given.rbp
    registers.r8 = given.r8
    registers.r9 = given.r9
    registers.r10 = given.r10
    registers.r11 = given.r11
    registers.r12 = given.r12
    registers.r13 = given.r13
    registers.r14 = given.r14
    registers.r15 = given.r15
    if fs_base != thread.fs_base or gs_base != thread.gs_base:
        context.set_bases(thread, fs_base, gs_base)
    return Status.OK


def _read_once(place: ptr[u64]) -> u64:
    return ptr[atomic[u64]](place).load("relaxed")
