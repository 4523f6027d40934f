"""A message on its way from a caller to a receiver, or back as the answer."""
from compiler.prelude import addr, array, ptr, struct, u32, u64
from kernel.complete.ring_block import Record
from kernel.core.thread_block import Thread


@struct
class Message:
    badge: u64
    words: array[u64, 4]
    length: u32                         # as in a submission (abi/ring.py); 0: nothing but the words
    is_call: bool                       # somebody waits for an answer
    sender: ptr[Record] | None          # the operation of a ring that says it
    source: u64                         # address of the bytes that it brings
    handles: u32                        # words that are handles of the receiver
    moved: array[u64, 4]                # handles that the sender has lost; 0 is none


def say_registers(message: ptr[Message], thread: ptr[Thread]) -> None:
    """The words of a call that a thread makes in registers."""
    registers = addr(thread.registers)
    message.words[0] = registers.rsi
    message.words[1] = registers.rdx
    message.words[2] = registers.r10
    message.words[3] = registers.r8


def put_registers(thread: ptr[Thread], words: ptr[u64]) -> None:
    """Requires: the thread is the caller's."""
    registers = addr(thread.registers)
    registers.rsi = words[0]
    registers.rdx = words[1]
    registers.r10 = words[2]
    registers.r8 = words[3]
