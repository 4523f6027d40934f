"""The spin lock: one word, test and set, with a pause between looks.

A ticket lock would be fair, but convoys when virtual CPUs outnumber real ones. The kernel runs with interrupts off, so
a holder is never preempted by its own CPU; a CPU that spins answers requests of others meanwhile.
Invariants: locks are taken by `with`; ranks.py states the order.
"""
from collections.abc import Callable

from compiler.prelude import atomic, spin_hint, struct, u32
from kernel.sync.ranks import LOCK_CHECKS, note_released, note_taken


def _wait() -> None:
    spin_hint()


while_spinning: Callable[[], None] = _wait      # the mailbox's poll, once it is open (arch/x86_64/mailbox.py)


@struct
class SpinLock:
    taken: atomic[u32]
    rank: u32

    def __enter__(self) -> None:
        if LOCK_CHECKS:
            note_taken(self.rank)
        while not self.taken.cas(0, 1, "acquire"):
            while self.taken.load("relaxed") != 0:
                while_spinning()

    def __exit__(self) -> None:
        self.taken.store(0, "release")
        if LOCK_CHECKS:
            note_released(self.rank)

    def seize(self) -> bool:
        """Takes the lock from whoever holds it. Only for a panic, when every other CPU has been stopped.

        Returns whether nobody held it.
        """
        return self.taken.exchange(1, "relaxed") == 0

    def give_back(self) -> None:
        """After seize() of a lock that nobody held."""
        self.taken.store(0, "release")
