"""Answers that are owed: who asked, and what is waiting for it."""
from compiler.prelude import atomic, const, struct, u64

FAULT_CALL = const(1)                   # the call was made by the kernel about a thread's exception
RING_CALL = const(2)                    # it was made by an operation of a ring
CALLER_FLAGS = const(FAULT_CALL | RING_CALL)


@struct
class Answer:
    """A call that has been received and waits to be answered, once."""
    caller: atomic[u64]                 # address of the calling thread or of the record, with one flag; 0 is none
    wait: u64                           # what the thread's `wait` is meanwhile, or the record's `serial`
    ring: u64                           # address of the Ring whose user owes it; 0: nobody's
