"""Calls on channels: four words there, four words back, all in registers."""
from compiler.prelude import asm_x64, const, ptr, struct, u64
from compiler.prelude.x64 import *
from kernel.abi.errors import Status
from kernel.abi.syscall import Call

_CALL = const(Call.CALL)
_REPLY_RECEIVE = const(Call.REPLY_RECEIVE)


@struct
class Message:
    word0: u64 = 0
    word1: u64 = 0
    word2: u64 = 0
    word3: u64 = 0


def call(channel: u64, message: ptr[Message], level: u64 = 0) -> Status:
    """Sends the words and waits for those of the answer, which take their place. `level` 3 is received first."""
    return Status(_call(channel, message, level))


def reply_receive(channel: u64, message: ptr[Message]) -> tuple[Status, u64]:
    """Answers the call received last, if there is one, and waits for the next. Returns its badge.

    With channel 0 it only answers.
    """
    status, badge = _reply_receive(channel, message)
    return Status(status), badge


@asm_x64
def _call(channel: u64, message: ptr[Message], level: u64) -> u64:
    mov(r12, rsi)
    mov(r9, rdx)
    mov(rsi, [r12])
    mov(rdx, [r12, 8])
    mov(r10, [r12, 16])
    mov(r8, [r12, 24])
    mov(eax, _CALL)
    syscall()
    mov([r12], rsi)
    mov([r12, 8], rdx)
    mov([r12, 16], r10)
    mov([r12, 24], r8)


@asm_x64
def _reply_receive(channel: u64, message: ptr[Message]) -> tuple[u64, u64]:
    mov(r12, rsi)
    mov(rsi, [r12])
    mov(rdx, [r12, 8])
    mov(r10, [r12, 16])
    mov(r8, [r12, 24])
    mov(eax, _REPLY_RECEIVE)
    syscall()
    mov([r12], rsi)
    mov([r12, 8], rdx)
    mov([r12, 16], r10)
    mov([r12, 24], r8)
    mov(rdx, rdi)
