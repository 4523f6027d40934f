"""Ring indices against plain lists: nothing lost, nothing doubled, no place written again before it is read."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from compiler.prelude import addr, u32
from kernel.abi.ring import COMPLETION_PLACES, SUBMISSION_PLACES
from kernel.complete import queue
from kernel.complete.ring_block import Ring

WRAP = 1 << 32
NEAR_WRAP = WRAP - 20


class QueueModel(RuleBasedStateMachine):
    @initialize(capacity=st.integers(1, COMPLETION_PLACES - 1), begin=st.sampled_from([0, NEAR_WRAP]))
    def make_ring(self, capacity: int, begin: int) -> None:
        self.ring = Ring(
            places=u32(COMPLETION_PLACES),
            capacity=u32(capacity),
            submission_head=u32(begin),
            completion_tail=u32(begin),
            completion_head=u32(begin),
        )
        self.capacity = capacity
        self.promised = 0
        self.unread: list[int] = []  # indices posted and not read
        self.tail = begin
        self.submission_head = begin

    @rule()
    def reserve(self) -> None:
        fits = self.promised + len(self.unread) < self.capacity
        assert bool(queue.reserve(addr(self.ring))) == fits
        self.promised += fits

    @rule()
    def reserve_for_cancel(self) -> None:
        fits = self.promised + len(self.unread) <= self.capacity
        assert bool(queue.reserve_for_cancel(addr(self.ring))) == fits
        self.promised += fits

    @precondition(lambda self: self.promised)
    @rule()
    def give_up(self) -> None:
        queue.give_up_reservation(addr(self.ring))
        self.promised -= 1

    @precondition(lambda self: self.promised)
    @rule()
    def post(self) -> None:
        index = int(queue.take_reserved_place(addr(self.ring)))
        assert index == self.tail
        assert index % COMPLETION_PLACES not in [i % COMPLETION_PLACES for i in self.unread]
        self.tail = (self.tail + 1) % WRAP
        assert int(queue.advance_tail(addr(self.ring))) == self.tail
        self.promised -= 1
        self.unread.append(index)

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(0, len(self.unread)))
        head = (self.tail - len(self.unread) + count) % WRAP
        assert queue.accept_completion_head(addr(self.ring), u32(head))
        passed, self.unread = self.unread[:count], self.unread[count:]
        assert all(queue.has_passed(addr(self.ring), u32(index)) for index in passed)
        assert not any(queue.has_passed(addr(self.ring), u32(index)) for index in self.unread)

    @rule(step=st.integers(1, WRAP - 1))
    def refuse_a_head_that_cannot_be(self, step: int) -> None:
        head = (self.tail + step) % WRAP
        if (head - (self.tail - len(self.unread))) % WRAP > len(self.unread):
            assert not queue.accept_completion_head(addr(self.ring), u32(head))

    @rule(ahead=st.integers(0, WRAP - 1))
    def judge_a_submission_tail(self, ahead: int) -> None:
        tail = (self.submission_head + ahead) % WRAP
        waiting, is_possible = queue.submissions_waiting(addr(self.ring), u32(tail))
        assert int(waiting) == ahead
        assert bool(is_possible) == (ahead <= SUBMISSION_PLACES)

    @invariant()
    def adds_up(self) -> None:
        if hasattr(self, "ring"):
            assert int(queue.unread(addr(self.ring))) == len(self.unread)
            assert int(self.ring.reserved) == self.promised
            assert self.promised + len(self.unread) <= self.capacity + 1


TestQueue = QueueModel.TestCase
TestQueue.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
