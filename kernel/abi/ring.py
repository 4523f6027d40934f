"""The ring as both sides see it: entries, completions, and the two pages that hold them.

The first page is written by the kernel and only readable for the user, the second follows it and is written by the
user. Indices count up for ever and wrap at 2^32; an entry's place is its index modulo the number of places. Every index
has a cache line of its own. A ring of a larger capacity (places_for) has more pages of either kind (pages_for) and
longer queues in them; all else lies where it does here.

A message has a badge, put in by the kernel, and four words. Words may be handles: the receiver finds handles of its own
in their place. Up to 512 bytes come with them through the message buffers of both rings (SET_BUFFER), which are cut in
pieces of 512 bytes: first one for each slot, from which the operation in it sends, then one for each place of the
completion queue, into which the bytes that belong to a completion come. A message comes as a whole or not at all: if
the receiver cannot take its bytes or capabilities the sender is told RECEIVER_LIMIT, and a thread that receives, or is
answered, in registers can take none. A CALL is answered once, with four words more: by a thread
that received it in registers (REPLY_RECEIVE), or by REPLY on the ring that received it. It does not matter to either
side whether the other uses registers or a ring.
"""
from enum import IntEnum, IntFlag

from compiler.prelude import array, atomic, const, offsetof, sizeof, struct, u8, u16, u32, u64
from kernel.abi.upcall import UpcallBlock
from kernel.arch.x86_64.pages import PAGE_BYTES

SUBMISSION_PLACES = const(32)           # of the smallest ring, which programs start with
COMPLETION_PLACES = const(32)
COMPLETION_CAPACITY = const(COMPLETION_PLACES - 1)      # the last place belongs to cancellation
SLOTS = const(32)
MOST_PLACES = const(1024)               # of the largest ring


class Operation(IntEnum):
    """Fields that an operation does not name are not read; OPERATIONS says which flags each takes."""
    NOP = 0
    TIMER = 1               # completes OK when deadline_ns has come; word0 of the completion: the time, in ns
    CANCEL = 2              # word0 the slot, word1 the user_data of the operation to cancel
    INVOKE = 3              # capability, length the method (methods.py), word0..word2 and word3 its arguments. One that
    #                         follows in a chain is carried out by the ring's thread: before that next runs in user
    #                         mode, or where it waits for its ring; deadline_ns ends it while it has to wait for that
    SIGNAL = 4              # capability a notification, word0 the bits
    WATCH = 5               # capability a notification, word0 the bits of interest; word0 of the completion: those set
    CALL = 6                # capability a channel, length (Message), word0..word3; the completion is the answer
    SEND = 7                # as CALL, but nobody answers: completes OK when it has been received
    RECEIVE = 8             # capability a channel, word0 how many messages (0: no end); each is a completion with
    #                         badge, reply, word0..word3; MORE on all but the last. Holds two places of the
    #                         completion queue, on its last message one
    REPLY = 9               # capability the `reply` of a completion, length (Message), word0..word3 the answer; once
    SET_BUFFER = 10         # capability Memory to read and write, or 0 for none; word0 where in it, in whole pages
    COPY = 11               # capability Memory to read, word3 Memory to write; word0 where in the first, word1 where in
    #                         the second, word2 how many bytes. Two ranges of one Memory do not overlap: BAD_ARGUMENT.
    #                         word0 of the completion: the bytes that were copied, from the beginning on; when it has
    #                         ended early and there are any, it is LATE


class SubmissionFlags(IntFlag):
    LINK = 1                # the next entry runs when this one has completed OK, else it completes CANCELLED
    SILENT = 2              # no completion when it succeeds
    PERSISTENT = 4          # a watch that goes on after its first completion
    NO_WAIT = 8             # completes WOULD_BLOCK instead of waiting: a CALL or SEND that finds no receiver, a RECEIVE
    #                         once nothing is queued, a watch that is not PERSISTENT and finds none of its bits


class CompletionFlags(IntFlag):
    MORE = 1                # not the last completion of its operation
    COALESCED = 2           # stands for several events: `badge` is their number
    CAPABILITIES = 4        # capabilities came with it: see HANDLES_SHIFT
    LATE = 8                # with CANCELLED: the effect is unknown; of a COPY that ended early: part of it was done


# Flags that an operation may carry, by number.
OPERATIONS = const((
    SubmissionFlags.LINK | SubmissionFlags.SILENT,
    SubmissionFlags.LINK,
    0,
    SubmissionFlags.LINK | SubmissionFlags.SILENT,
    SubmissionFlags.LINK | SubmissionFlags.SILENT,
    SubmissionFlags.PERSISTENT | SubmissionFlags.NO_WAIT,
    SubmissionFlags.LINK | SubmissionFlags.NO_WAIT,
    SubmissionFlags.LINK | SubmissionFlags.SILENT | SubmissionFlags.NO_WAIT,
    SubmissionFlags.NO_WAIT,
    SubmissionFlags.LINK | SubmissionFlags.SILENT,
    SubmissionFlags.LINK | SubmissionFlags.SILENT,
    SubmissionFlags.LINK | SubmissionFlags.SILENT,
))
OPERATION_NUMBERS = const(len(OPERATIONS))
FORBIDDABLE = const((1 << OPERATION_NUMBERS) - 1 & ~(1 << Operation.NOP | 1 << Operation.CANCEL))   # NO_RIGHT then
MAX_CHAIN = const(8)            # entries linked to one another


# In `length` of CALL, SEND, RECEIVE and REPLY.
BYTES = const(0xFFFF)           # CALL, SEND, REPLY: bytes in the message buffer, in the piece of the slot
COPIED_SHIFT = const(16)        # likewise, four bits: words that are handles, of which the receiver gets copies
MOVED_SHIFT = const(20)         # likewise: handles that the sender loses
ACCEPTED_SHIFT = const(24)      # CALL, RECEIVE, three bits: the most capabilities that an answer or a message brings
LEVEL_SHIFT = const(28)         # CALL, SEND, two bits: the level at which it is queued; 3 is received first
CONTENT = const(0x00FF_FFFF)    # what a message brings besides its words
MESSAGE_WORDS = const(4)
MESSAGE_BYTES = const(512)      # the most that a message brings, and the length of a piece of the message buffer
HANDLES_SHIFT = const(8)        # in `flags` of a completion, four bits: words that are handles of what came


class RingFlags(IntFlag):
    """In the kernel's page."""
    STALLED = 1             # entries wait for room in the completion queue
    BROKEN = 2
    NEED_KICK = 4           # events have been folded: enter the ring when completions have been read


@struct
class Submission:
    operation: u8 = 0
    flags: u8 = 0
    slot: u16 = 0           # chosen by the user, below the number of places; free again once the completion is visible
    length: u32 = 0
    user_data: u64 = 0
    capability: u64 = 0
    word3: u64 = 0
    word0: u64 = 0
    word1: u64 = 0
    word2: u64 = 0
    deadline_ns: u64 = 0    # absolute; 0 is none


@struct
class Completion:
    user_data: u64 = 0
    status: u16 = 0
    flags: u16 = 0
    sequence: u16 = 0       # the low bits of its index
    length: u16 = 0         # bytes that came, in the message buffer
    badge: u64 = 0          # of the sender of a message; the number of events that COALESCED stands for
    reply: u64 = 0          # names the answer that is owed for a message; 0 when there is none
    word0: u64 = 0
    word1: u64 = 0
    word2: u64 = 0
    word3: u64 = 0


@struct(size=64)
class Index:
    value: atomic[u32]


@struct
class KernelPage:
    submission_head: Index
    completion_tail: Index
    flags: Index
    reserved: array[Index, 29]
    completions: array[Completion, COMPLETION_PLACES]


@struct
class UserPage:
    submission_tail: Index
    completion_head: Index
    upcall: UpcallBlock
    reserved: array[Index, 24]
    submissions: array[Submission, SUBMISSION_PLACES]


def places_for(capacity: u64) -> u64:
    """How many places each queue of a ring has, and how many slots: the least power of two above its capacity."""
    places: u64 = COMPLETION_PLACES
    while places <= capacity:
        places *= 2
    return places


def pages_for(places: u64) -> u64:
    """How many pages each half takes: the kernel's are first, the user's follow."""
    return (offsetof(KernelPage, "completions") + places * sizeof(Completion) + PAGE_BYTES - 1) // PAGE_BYTES


assert sizeof(Submission) == 64
assert sizeof(Completion) == 64
assert sizeof(KernelPage) == PAGE_BYTES
assert sizeof(UserPage) == PAGE_BYTES
assert offsetof(KernelPage, "completions") == offsetof(UserPage, "submissions")
assert offsetof(Submission, "user_data") == 8
assert offsetof(Submission, "word0") == 32
