"""The memory map put in order, against a model that looks at one page at a time."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.native import load_module

ROOT = Path(__file__).resolve().parents[2]
PAGE = 4096
USABLE, RESERVED, RECLAIMABLE = 0, 1, 5
# From the least to the most cautious.
CAUTION = [0, 5, 2, 6, 7, 3, 1, 4]
PAGES = 40
GIB = 1 << 30

regions: Any = load_module("kernel.memory.regions", root=ROOT)


class Entry(ctypes.Structure):
    _fields_ = (("base", ctypes.c_uint64), ("length", ctypes.c_uint64), ("kind", ctypes.c_uint64))


Region = tuple[int, int, int]


def put_in_order(given_regions: list[Region]) -> list[Region]:
    source = (Entry * max(1, len(given_regions)))(*(Entry(*region) for region in given_regions))
    if not given_regions:
        source[0].length = 0
    target = (Entry * 512)()
    count = regions.put_in_order(source, target)
    return [(target[i].base, target[i].length, target[i].kind) for i in range(count)]


def kind_of_page(given_regions: list[Region], page: int) -> int | None:
    start, end = page * PAGE, (page + 1) * PAGE
    kinds = []
    for base, length, kind in given_regions:
        if kind in (USABLE, RECLAIMABLE):
            if base <= start and end <= base + length:
                kinds.append(kind)
        elif length and base < end and start < base + length:
            kinds.append(kind)
    return max(kinds, key=CAUTION.index) if kinds else None


some_regions = st.lists(
    st.tuples(
        st.integers(0, (PAGES - 8) * PAGE) | st.integers(0, PAGES - 8).map(lambda page: page * PAGE),
        st.integers(0, 8 * PAGE) | st.integers(0, 8).map(lambda pages: pages * PAGE),
        st.sampled_from(CAUTION),
    ),
    max_size=12,
)


@settings(max_examples=400, deadline=None)
@given(some_regions)
def test_every_page_has_the_most_cautious_kind(given_regions: list[Region]) -> None:
    ordered = put_in_order(given_regions)
    found: dict[int, int] = {}
    end_before = 0
    for base, length, kind in ordered:
        assert base >= end_before and length > 0 and base % PAGE == 0 and length % PAGE == 0
        end_before = base + length
        found |= dict.fromkeys(range(base // PAGE, (base + length) // PAGE), kind)
    expected = {page: kind_of_page(given_regions, page) for page in range(PAGES + 1)}
    assert found == {page: kind for page, kind in expected.items() if kind is not None}


def test_neighbours_of_one_kind_become_one_region() -> None:
    assert put_in_order([(PAGE, PAGE, USABLE), (0, PAGE, USABLE)]) == [(0, 2 * PAGE, USABLE)]


def test_lengths_that_wrap_are_cut_at_the_last_address() -> None:
    assert put_in_order([(PAGE, 2**64 - 1, RESERVED)]) == [(PAGE, 2**52 - PAGE, RESERVED)]
    assert put_in_order([(2**64 - PAGE, PAGE, USABLE)]) == []


def test_half_a_tebibyte_with_the_hole_below_four_gibibytes() -> None:
    given_regions = [(4 * GIB, 509 * GIB, USABLE), (3 * GIB, GIB, RESERVED), (0, 3 * GIB, USABLE)]
    assert put_in_order(given_regions) == sorted(given_regions)


def test_more_pieces_than_there_is_room_for_are_refused() -> None:
    source = (Entry * 3)(Entry(0, 9 * PAGE, USABLE), Entry(PAGE, PAGE, RESERVED), Entry(3 * PAGE, PAGE, RESERVED))
    target = (Entry * 4)()
    assert regions.put_in_order(source, target) == 2**64 - 1
