"""A queue of short messages from many senders to one receiver in shared memory, bounded, without a lock.

Each cell has a word that says for which place in the queue it is free, claimed or full; places count up and never wrap.
A sender claims the cell under its own number, so that the receiver can skip what a sender that has died left half done.
Receiver and senders keep the capacity in memory of their own: whatever the others write, nothing outside is touched.
Pure: tested on the host in every order of its accesses. Not here: doorbells (queue_ends.py).
"""
from compiler.prelude import addr, array, atomic, const, copy, fence, ptr, sizeof, struct, u64, wrap_add, wrap_mul
from userspace.lib.channels.outcome import Outcome, Words

MOST_SENDERS = const(32)
MOST_CELLS = const(60)
_STATES = const(128)                    # what a place is multiplied by in a cell's word
_FREE = const(0)
_FULL = const(1)
_CLAIMED = const(2)                     # and the sender's number


@struct(size=64)
class Cell:
    turn: atomic[u64]                   # place * _STATES + state
    message: Words


@struct(size=64)
class Line:
    value: atomic[u64]


@struct
class Queue:
    """One page. The maker calls prepare()."""
    tail: Line                          # the next place to claim; may lag behind the cells
    receiver_sleeps: Line
    waiting: Line                       # senders that sleep because it was full, one bit for each
    closed: Line                        # senders that have closed it, one bit for each
    cells: array[Cell, MOST_CELLS]


assert sizeof(Queue) == 4096


def prepare(queue: ptr[Queue], capacity: u64) -> bool:
    """Returns False for a capacity that it cannot have."""
    if capacity == 0 or capacity > MOST_CELLS:
        return False
    queue.tail.value.store(0, "relaxed")
    queue.receiver_sleeps.value.store(0, "relaxed")
    queue.waiting.value.store(0, "relaxed")
    queue.closed.value.store(0, "relaxed")
    for place in range(capacity):
        queue.cells[place].turn.store(place * _STATES + _FREE, "relaxed")
    return True


@struct
class Sender:
    queue: ptr[Queue]
    capacity: u64
    number: u64                         # below MOST_SENDERS; no other sender has it

    def try_send(self, message: ptr[Words]) -> Outcome:
        while True:
            place = self.queue.tail.value.load("acquire")
            cell = addr(self.queue.cells[place % self.capacity])
            turn = cell.turn.load("acquire")
            free = wrap_mul(place, _STATES)     # the tail is anybody's
            if turn == free:
                if cell.turn.cas(turn, free | _CLAIMED + self.number, "acq_rel"):
                    _ = self.queue.tail.value.cas(place, wrap_add(place, 1), "acq_rel")
                    cell.message = copy(message[0])
                    # Release: pairs with the acquire in try_receive().
                    cell.turn.store(free | _FULL, "release")
                    return Outcome.DONE
            elif turn // _STATES == place:
                _ = self.queue.tail.value.cas(place, wrap_add(place, 1), "acq_rel")     # for one that is late
            elif turn // _STATES + self.capacity == place:
                if self.queue.tail.value.load("acquire") == place:
                    return Outcome.WOULD_BLOCK
            elif self.queue.tail.value.load("acquire") == place:
                return Outcome.BROKEN

    def begin_sleep(self) -> None:
        """Before it looks a last time and sleeps until its bit is signalled."""
        _ = self.queue.waiting.value.fetch_or(u64(1) << self.number, "seq_cst")

    def must_wake(self) -> bool:
        """Whether the receiver sleeps and has to be told; after a message."""
        fence()                             # pairs with the one in Receiver.begin_sleep()
        sleeps = addr(self.queue.receiver_sleeps)
        return sleeps.value.load("relaxed") != 0 and sleeps.value.exchange(0, "relaxed") != 0

    def close(self) -> None:
        """The receiver has to be told."""
        _ = self.queue.closed.value.fetch_or(u64(1) << self.number, "release")


@struct
class Receiver:
    queue: ptr[Queue]
    capacity: u64
    place: u64                          # of the next message
    open: u64                           # senders that may still send, one bit for each

    def try_receive(self, message: ptr[Words]) -> Outcome:
        while True:
            # Acquire: pairs with the release in Sender.close(), before which it sent what it had.
            closed = self.queue.closed.value.load("acquire")
            cell = addr(self.queue.cells[self.place % self.capacity])
            turn = cell.turn.load("acquire")
            state = turn % _STATES
            if turn == self.place * _STATES + _FREE:
                self.open &= ~closed
                return Outcome.CLOSED if self.open == 0 else Outcome.WOULD_BLOCK
            if turn // _STATES != self.place or state >= _CLAIMED + MOST_SENDERS:
                return Outcome.BROKEN
            if state == _FULL:
                message[0] = copy(cell.message)
                self._free(cell)
                return Outcome.DONE
            if self.open & (u64(1) << (state - _CLAIMED)) != 0:
                return Outcome.WOULD_BLOCK
            _ = self.queue.tail.value.cas(self.place, self.place + 1, "acq_rel")
            self._free(cell)                # its sender died in the middle of it

    def note_end(self, senders: u64) -> None:
        """Processes of senders have ended: nothing comes from them that is not there now."""
        self.open &= ~senders

    def begin_sleep(self) -> None:
        self.queue.receiver_sleeps.value.store(1, "relaxed")
        fence()

    def waking(self) -> u64:
        """The senders that sleep and have to be told, one bit for each; after a message."""
        fence()                             # pairs with the exchange in Sender.begin_sleep()
        return self.queue.waiting.value.exchange(0, "seq_cst") if self.queue.waiting.value.load("relaxed") != 0 else 0

    def _free(self, cell: ptr[Cell]) -> None:
        cell.turn.store((self.place + self.capacity) * _STATES + _FREE, "release")
        self.place += 1
