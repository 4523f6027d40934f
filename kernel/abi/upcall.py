"""Upcalls: how the kernel interrupts a thread's own code to say "look at your completion queue".

The block lies in the writable page of the thread's ring (ring.py). An upcall is delivered when the thread goes back to
user mode, has armed upcalls, `disabled` is 0, its program counter lies outside [critical_low, critical_high), and at
least `threshold` completions are unread (0 counts as 1). The kernel then saves the registers in `frame`, sets
`disabled`, and sends the thread to `entry` on the stack that ends at `stack_top`, with rdi the address of the block,
rsi the reasons and rdx the tail of the completion queue; all other registers are zero, vector registers stay as
they are.
Otherwise it sets `pending` and lets the thread go on.
Fewer than `threshold` completions are told of when the first has waited for `delay_ns` (0: only then). Between two
upcalls lie at least `interval_ns`, counted from UPCALL_RETURN where that is used; one due meanwhile comes after.

To unmask without a system call: store 0 to `disabled`; if `pending` is not 0 then, store 1 to `disabled` again,
exchange `pending` for 0, read completions, and begin anew: reading is not for two at a time. UPCALL_RETURN loads the
registers from `frame` and stores 0 to `disabled`.
"""
from enum import IntFlag

from compiler.prelude import atomic, const, sizeof, struct, u32, u64
from kernel.abi.thread import ThreadRegisters


class Reason(IntFlag):
    """What a thread is armed for, and what an upcall is about."""
    COMPLETION = 1
    TIMER = 2               # among the completions are those of timers; comes with COMPLETION, armed for or not
    PREEMPTED = 4           # another thread had the CPU meanwhile; told at once, whatever is unread


REASONS = const(Reason.COMPLETION | Reason.TIMER | Reason.PREEMPTED)


@struct(size=256)
class UpcallFrame:
    registers: ThreadRegisters
    reasons: u64
    completion_tail: u64


@struct(size=384)
class UpcallBlock:
    disabled: atomic[u32]
    pending: atomic[u32]
    entry: u64
    stack_top: u64
    critical_low: u64
    critical_high: u64
    threshold: u32
    delay_ns: u64
    interval_ns: u64
    frame: UpcallFrame


assert sizeof(UpcallFrame) == 256
assert sizeof(UpcallBlock) == 384
