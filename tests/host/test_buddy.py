"""The buddy system against a set of free frames, and on maps as large as half a tebibyte."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from compiler.native import NativeTrap, load_module

ROOT = Path(__file__).resolve().parents[2]
ORDERS = 19
FREE = 1
FRAMES = 1 << 10

buddy: Any = load_module("kernel.memory.buddy", root=ROOT)


class Frame(ctypes.Structure):
    _fields_ = (
        ("next", ctypes.c_uint32),
        ("previous", ctypes.c_uint32),
        ("order", ctypes.c_uint8),
        ("use", ctypes.c_uint8),
        ("rest", ctypes.c_uint8 * 6),
    )


class Buddy(ctypes.Structure):
    _fields_ = (
        ("frames", ctypes.c_uint64),
        ("frame_count", ctypes.c_uint64),
        ("free_frames", ctypes.c_uint64),
        ("orders_free", ctypes.c_uint32),
        ("first_free", ctypes.c_uint32 * ORDERS),
    )


class Memory:
    """A buddy system with its records."""

    def __init__(self, frame_count: int) -> None:
        self.frames = (Frame * frame_count)()
        self.state = Buddy()
        buddy.start(self.state, ctypes.addressof(self.frames), frame_count)

    def free_blocks(self) -> list[tuple[int, int]]:
        """Walks every list, checking its links."""
        blocks = []
        for order in range(ORDERS):
            frame, before = self.state.first_free[order], 0xFFFF_FFFF
            assert (frame != 0xFFFF_FFFF) == bool(self.state.orders_free >> order & 1)
            while frame != 0xFFFF_FFFF:
                record = self.frames[frame]
                assert (record.use, record.order, record.previous) == (FREE, order, before)
                assert frame % (1 << order) == 0
                blocks.append((frame, order))
                frame, before = record.next, frame
        return blocks


class BuddyModel(RuleBasedStateMachine):
    @initialize(holes=st.lists(st.tuples(st.integers(0, FRAMES), st.integers(0, 200)), max_size=3))
    def start(self, holes: list[tuple[int, int]]) -> None:
        self.memory = Memory(FRAMES)
        self.taken: dict[int, int] = {}
        usable = set(range(1, FRAMES)) - {f for start, length in holes for f in range(start, start + length)}
        self.free = set(usable)
        start = None
        for frame in range(FRAMES + 1):
            if frame in usable and start is None:
                start = frame
            if frame not in usable and start is not None:
                buddy.add_frames(self.memory.state, start, frame)
                start = None

    @rule(order=st.integers(0, 10))
    def allocate(self, order: int) -> None:
        frame = buddy.allocate(self.memory.state, order)
        block = set(range(frame, frame + (1 << order)))
        if frame == 0:
            starts = range(0, FRAMES, 1 << order)
            assert not any(set(range(start, start + (1 << order))) <= self.free for start in starts)
        else:
            assert frame % (1 << order) == 0 and block <= self.free
            self.free -= block
            self.taken[frame] = order

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        frame = data.draw(st.sampled_from(sorted(self.taken)))
        order = self.taken.pop(frame)
        buddy.release(self.memory.state, frame, order)
        self.free |= set(range(frame, frame + (1 << order)))

    @precondition(lambda self: any(order for order in self.taken.values()))
    @rule(data=st.data())
    def release_in_halves(self, data: st.DataObject) -> None:
        frame = data.draw(st.sampled_from(sorted(frame for frame, order in self.taken.items() if order)))
        order = self.taken.pop(frame)
        half = 1 << (order - 1)
        buddy.release(self.memory.state, frame, order - 1)
        self.free |= set(range(frame, frame + half))
        self.taken[frame + half] = order - 1

    @invariant()
    def free_blocks_are_the_free_frames_and_merged(self) -> None:
        blocks = self.memory.free_blocks()
        frames = [frame for start, order in blocks for frame in range(start, start + (1 << order))]
        assert len(frames) == len(set(frames)) == self.memory.state.free_frames
        assert set(frames) == self.free
        assert not any((start ^ (1 << order), order) in blocks for start, order in blocks if order < ORDERS - 1)


BuddyModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBuddy = BuddyModel.TestCase


def test_half_a_tebibyte_is_blocks_of_a_gibibyte() -> None:
    """The records of memory that is only in the map: their pages are touched where a block begins."""
    frame_count = 513 << 18
    memory = Memory(frame_count)
    buddy.add_frames(memory.state, 1, 3 << 18)
    buddy.add_frames(memory.state, 4 << 18, frame_count)
    assert memory.state.free_frames == (3 << 18) - 1 + (509 << 18)
    blocks = memory.free_blocks()
    assert len([order for _, order in blocks if order == 18]) == 511
    assert [buddy.allocate(memory.state, 18) for _ in range(511)].count(0) == 0
    assert buddy.allocate(memory.state, 18) == 0


def test_a_frame_released_twice_is_noticed() -> None:
    memory = Memory(64)
    buddy.add_frames(memory.state, 1, 64)
    frame = buddy.allocate(memory.state, 0)
    buddy.release(memory.state, frame, 0)
    try:
        buddy.release(memory.state, frame, 0)
    except NativeTrap as trap:
        assert "released twice" in str(trap)
    else:
        raise AssertionError("the second release was accepted")
