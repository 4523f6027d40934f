"""A submission as the kernel reads it: each word is fetched from user memory once, and only if the operation uses it.

The user can rewrite the entry at any moment; what was fetched is checked and kept, never what stands there later.
"""
from compiler.prelude import const, mem64, offsetof, ptr, u8, u16, u32, u64
from kernel.abi.ring import Submission
from kernel.complete.ring_block import Record

_USER_DATA = const(offsetof(Submission, "user_data"))
_CAPABILITY = const(offsetof(Submission, "capability"))
_WORD3 = const(offsetof(Submission, "word3"))
_WORD0 = const(offsetof(Submission, "word0"))
_WORD1 = const(offsetof(Submission, "word1"))
_WORD2 = const(offsetof(Submission, "word2"))
_DEADLINE = const(offsetof(Submission, "deadline_ns"))
_SLOT_SHIFT = const(16)
_FLAGS_SHIFT = const(8)
_LENGTH_SHIFT = const(32)


def first_word(entry: u64) -> u64:
    """Operation, flags, slot and length."""
    return mem64[entry]


def operation_of(first: u64) -> u8:
    return u8(first)


def flags_of(first: u64) -> u8:
    return u8(first >> _FLAGS_SHIFT)


def slot_of(first: u64) -> u16:
    return u16(first >> _SLOT_SHIFT)


def user_data(entry: u64) -> u64:
    return mem64[entry + _USER_DATA]


def cancelled_slot(entry: u64) -> u64:
    return mem64[entry + _WORD0]


def cancelled_user_data(entry: u64) -> u64:
    return mem64[entry + _WORD1]


def keep(record: ptr[Record], first: u64, entry: u64) -> None:
    """Copies the rest of an entry into its record, which belongs to the caller."""
    record.operation = operation_of(first)
    record.flags = flags_of(first)
    record.length = u32(first >> _LENGTH_SHIFT)
    record.user_data = user_data(entry)
    record.capability = mem64[entry + _CAPABILITY]
    record.words[3] = mem64[entry + _WORD3]
    record.words[0] = mem64[entry + _WORD0]
    record.words[1] = mem64[entry + _WORD1]
    record.words[2] = mem64[entry + _WORD2]
    record.deadline_ns = mem64[entry + _DEADLINE]
