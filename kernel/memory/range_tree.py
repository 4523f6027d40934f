"""An ordered set of ranges that do not overlap: a zip tree, balanced by random ranks.

Nodes lie inside the things that they are about; nothing is allocated here and nothing recurses.
Pure: tested on the host against a plain model.
Invariants: I-MEM-6: in key order from left to right; a node's rank is at least its right child's and above its left
child's.
Source: R. E. Tarjan, C. C. Levy, S. Timmel, "Zip Trees", 2019.
"""
from __future__ import annotations

from compiler.prelude import addr, count_zeros_right, ptr, struct, u32, u64

_state: u64 = 0x9E37_79B9_7F4A_7C15


@struct
class Node:
    left: ptr[Node] | None = None
    right: ptr[Node] | None = None
    start: u64 = 0
    end: u64 = 0            # behind the last
    rank: u32 = 0


@struct
class RangeTree:
    root: ptr[Node] | None


def stir(seed: u64) -> None:
    """Makes the ranks unpredictable to users."""
    global _state
    _state = (_state ^ seed) | 1


def find(tree: ptr[RangeTree], at: u64) -> ptr[Node] | None:
    """The lowest range that ends behind `at`: the one that holds it, or the next."""
    best: ptr[Node] | None = None
    node = tree.root
    while node is not None:
        if node.end > at:
            best = node
            node = node.left
        else:
            node = node.right
    return best


def insert(tree: ptr[RangeTree], node: ptr[Node]) -> None:
    """Requires: the range overlaps no other."""
    node.rank = _random_rank()
    node.left = None
    node.right = None
    above: ptr[Node] | None = None
    below = tree.root
    while below is not None and (node.rank < below.rank or (node.rank == below.rank and node.start > below.start)):
        above = below
        below = below.left if node.start < below.start else below.right
    _replace_child(tree, above, node.start, node)
    if below is not None:
        _unzip(node, below)


def remove(tree: ptr[RangeTree], node: ptr[Node]) -> None:
    """Requires: the node is in the tree."""
    above: ptr[Node] | None = None
    at = tree.root
    while at is not None and at.start != node.start:
        above = at
        at = at.left if node.start < at.start else at.right
    assert at is not None, "a range that is not in the tree was removed"
    _replace_child(tree, above, node.start, _zip(node.left, node.right))


def _replace_child(tree: ptr[RangeTree], above: ptr[Node] | None, start: u64, child: ptr[Node] | None) -> None:
    if above is None:
        tree.root = child
    elif start < above.start:
        above.left = child
    else:
        above.right = child


def _unzip(node: ptr[Node], subtree: ptr[Node]) -> None:
    """Splits a subtree by the node's start into the node's children."""
    last_left: ptr[Node] | None = None
    last_right: ptr[Node] | None = None
    at: ptr[Node] | None = subtree
    while at is not None:
        if at.start < node.start:
            if last_left is None:
                node.left = at
            else:
                last_left.right = at
            last_left = at
            at = at.right
        else:
            if last_right is None:
                node.right = at
            else:
                last_right.left = at
            last_right = at
            at = at.left
    if last_left is not None:
        last_left.right = None
    if last_right is not None:
        last_right.left = None


def _zip(first: ptr[Node] | None, second: ptr[Node] | None) -> ptr[Node] | None:
    """Joins two subtrees, all of the first lower than all of the second."""
    left = first
    right = second
    top = Node()
    above = addr(top)
    is_left = False                     # which child of `above` comes next
    while left is not None and right is not None:
        goes_left = is_left
        chosen = right
        if left.rank >= right.rank:
            chosen = left
            left = left.right
            is_left = False
        else:
            right = right.left
            is_left = True
        _set_child(above, goes_left, chosen)
        above = chosen
    _set_child(above, is_left, left if left is not None else right)
    return top.right


def _set_child(above: ptr[Node], is_left: bool, child: ptr[Node] | None) -> None:
    if is_left:
        above.left = child
    else:
        above.right = child


def _random_rank() -> u32:
    """Geometric, by a xorshift generator (G. Marsaglia, 2003)."""
    global _state
    word = _state
    word ^= word << 13
    word ^= word >> 7
    word ^= word << 17
    _state = word
    return u32(count_zeros_right(word | (u64(1) << 31)))
