"""How long a guest test waits for what should have happened, before it says that it has not.

By the machine's time, since a count of attempts says nothing: a CPU of the guest may have none of the host's time while
the CPU that counts goes on. Far more than any wait takes, and less than the host allows the whole test.
"""
from compiler.prelude import const, spin_hint, struct, u64, wrap_sub
from userspace.lib.time_stamp import time_stamp

_TICKS = const(150_000_000_000)         # of the time stamp counter: about a minute


@struct
class Patience:
    """The attempts at something, which a loop counts."""
    began: u64
    attempts: u64 = 0

    def next(self) -> tuple[u64, bool]:
        # An emulator that runs one CPU after the other goes on to the next, which this one may wait for (shares.py).
        spin_hint()
        self.attempts += 1
        return self.attempts - 1, wrap_sub(time_stamp(), self.began) < _TICKS


def patience() -> Patience:
    return Patience(began=time_stamp())
