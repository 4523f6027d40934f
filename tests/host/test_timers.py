"""The queue of timers against a sorted list."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from compiler.native import load_module

ROOT = Path(__file__).resolve().parents[2]
NEVER = 0xFFFF_FFFF_FFFF_FFFF
timers: Any = load_module("kernel.core.timers", root=ROOT)


class Timer(ctypes.Structure):
    _fields_ = (
        ("deadline_ns", ctypes.c_uint64),
        ("action", ctypes.c_uint64),
        ("child", ctypes.c_uint64),
        ("next", ctypes.c_uint64),
        ("previous", ctypes.c_uint64),
        ("cpu", ctypes.c_uint32),
        ("is_queued", ctypes.c_uint8),
    )


class TimerQueue(ctypes.Structure):
    _fields_ = (("first", ctypes.c_uint64),)


class TimersModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.queue = TimerQueue()
        self.queued: list[Timer] = []

    @rule(deadline=st.integers(1, 50))
    def add(self, deadline: int) -> None:
        timer = Timer(deadline_ns=deadline)
        timers.add(self.queue, timer)
        self.queued.append(timer)

    @precondition(lambda self: self.queued)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        timer = self.queued.pop(data.draw(st.integers(0, len(self.queued) - 1)))
        timers.remove(self.queue, timer)
        assert timer.is_queued == 0

    @rule(now=st.integers(0, 60))
    def take_due(self, now: int) -> None:
        found = timers.take_due(self.queue, now)
        first = min((timer.deadline_ns for timer in self.queued), default=NEVER)
        if first > now:
            assert found == 0
        else:
            taken = next(timer for timer in self.queued if ctypes.addressof(timer) == found)
            assert taken.deadline_ns == first
            self.queued.remove(taken)

    @rule()
    def take_all_in_order(self) -> None:
        deadlines = []
        while found := timers.take_due(self.queue, NEVER):
            deadlines.append(Timer.from_address(found).deadline_ns)
        assert deadlines == sorted(timer.deadline_ns for timer in self.queued)
        self.queued.clear()

    @invariant()
    def first_is_earliest(self) -> None:
        earliest = min((timer.deadline_ns for timer in self.queued), default=NEVER)
        assert timers.first_deadline(self.queue) == earliest
        assert all(timer.is_queued for timer in self.queued)


TestTimers = TimersModel.TestCase
TestTimers.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
