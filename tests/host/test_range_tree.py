"""The ordered set of ranges against a sorted list."""

from __future__ import annotations

import bisect
import ctypes
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from compiler.native import load_module

ROOT = Path(__file__).resolve().parents[2]
range_tree: Any = load_module("kernel.memory.range_tree", root=ROOT)


class Node(ctypes.Structure):
    _fields_ = (
        ("left", ctypes.c_uint64),
        ("right", ctypes.c_uint64),
        ("start", ctypes.c_uint64),
        ("end", ctypes.c_uint64),
        ("rank", ctypes.c_uint32),
    )


class RangeTreeModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = ctypes.c_uint64(0)
        self.nodes: dict[int, Node] = {}

    @rule(start=st.integers(0, 200), length=st.integers(1, 8))
    def insert(self, start: int, length: int) -> None:
        if any(start < node.end and node.start < start + length for node in self.nodes.values()):
            return
        node = Node(start=start, end=start + length)
        range_tree.insert(self.root, node)
        self.nodes[start] = node

    @precondition(lambda self: self.nodes)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        start = data.draw(st.sampled_from(sorted(self.nodes)))
        range_tree.remove(self.root, self.nodes.pop(start))

    @rule(at=st.integers(0, 220))
    def find(self, at: int) -> None:
        ends = sorted(node.end for node in self.nodes.values())
        place = bisect.bisect_right(ends, at)
        found = range_tree.find(self.root, at)
        if place == len(ends):
            assert found == 0
        else:
            assert Node.from_address(found).end == ends[place]

    @invariant()
    def holds_the_ranges_in_order(self) -> None:
        assert walk(self.root.value) == sorted((node.start, node.end) for node in self.nodes.values())


def walk(address: int) -> list[tuple[int, int]]:
    if address == 0:
        return []
    node = Node.from_address(address)
    for child, may_be_equal in ((node.left, False), (node.right, True)):
        if child:
            rank = Node.from_address(child).rank
            assert rank < node.rank or (may_be_equal and rank == node.rank)
    return [*walk(node.left), (node.start, node.end), *walk(node.right)]


RangeTreeModel.TestCase.settings = settings(max_examples=100, stateful_step_count=60, deadline=None)
TestRangeTree = RangeTreeModel.TestCase


def test_many_ranges_in_order_make_a_shallow_tree() -> None:
    root = ctypes.c_uint64(0)
    nodes = [Node(start=number, end=number + 1) for number in range(20_000)]
    for node in nodes:
        range_tree.insert(root, node)
    deepest, waiting = 0, [(root.value, 1)]
    while waiting:
        address, depth = waiting.pop()
        if address:
            deepest = max(deepest, depth)
            node = Node.from_address(address)
            waiting += [(node.left, depth + 1), (node.right, depth + 1)]
    assert deepest < 80
