"""The loader's memory map against a page-by-page model of it."""

import ctypes
from functools import cache
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from boot.limine import protocol
from compiler.native import NativeModule, load_module

PAGE = 4096
MOST_REGIONS = 512
USABLE = int(protocol.MEMORY_USABLE)
# Later kinds win where inputs overlap.
RANKING = (0, 5, 6, 2, 3, 1, 4, 7)


class Entry(ctypes.Structure):
    _fields_ = (("base", ctypes.c_uint64), ("length", ctypes.c_uint64), ("kind", ctypes.c_uint64))


class Map(ctypes.Structure):
    _fields_ = (("regions", Entry * MOST_REGIONS), ("count", ctypes.c_uint64))


Region = tuple[int, int, int]
regions = st.lists(
    st.tuples(st.integers(0, 40 * PAGE), st.integers(0, 12 * PAGE), st.sampled_from(RANKING)), max_size=24
)


@cache
def code() -> NativeModule:
    return load_module("boot.core.memory_map")


def make(given_regions: list[Region]) -> Map:
    memory = Map()
    for region in given_regions:
        assert code().append(memory, *region)
    assert code().normalise(memory)
    return memory


def listed(memory: Map) -> list[Region]:
    return [(e.base, e.base + e.length, e.kind) for e in memory.regions[: memory.count]]


def next_run(memory: Map, start: int, cached: bool) -> tuple[int, int]:
    found = code().next_run(memory, start, cached)
    assert isinstance(found, tuple)
    return found


def expected_kind(given_regions: list[Region], page: int) -> int | None:
    """Usable regions count for the pages they fill, others for the pages they touch."""
    kinds = []
    for base, length, kind in given_regions:
        inside = base <= page and page + PAGE <= base + length
        touched = base < page + PAGE and page < base + length
        if length and (inside if kind == USABLE else touched):
            kinds.append(kind)
    return max(kinds, key=RANKING.index, default=None)


@given(regions)
def test_every_page_has_the_kind_of_highest_rank(given_regions: list[Region]) -> None:
    result = listed(make(given_regions))
    for page in range(0, 60 * PAGE, PAGE):
        found = [kind for base, end, kind in result if base <= page < end]
        assert found == [kind for kind in [expected_kind(given_regions, page)] if kind is not None]


@given(regions)
def test_entries_ascend_on_pages_and_are_merged(given_regions: list[Region]) -> None:
    result = listed(make(given_regions))
    assert all(base < end and base % PAGE == 0 and end % PAGE == 0 for base, end, _ in result)
    for (_, end, kind), (base, _, next_kind) in pairwise(result):
        assert end < base or (end == base and kind != next_kind)


@given(regions, st.integers(1, 6), st.sampled_from([PAGE, 4 * PAGE]), st.integers(0, 60))
def test_room_is_usable_aligned_below_the_limit_and_highest(
    given_regions: list[Region], pages: int, alignment: int, limit_page: int
) -> None:
    memory = make(given_regions)
    length, limit = pages * PAGE, limit_page * PAGE
    found = code().find_room(memory, length, alignment, limit)
    usable = [(max(base, PAGE), min(end, limit)) for base, end, kind in listed(memory) if kind == USABLE]
    places = [
        start
        for base, end in usable
        for start in range(0, 60 * PAGE, alignment)
        if base <= start and start + length <= end
    ]
    assert found == max(places, default=0)


@given(regions, st.integers(1, 50), st.integers(1, 6))
def test_carved_memory_is_not_found_again(given_regions: list[Region], page: int, pages: int) -> None:
    memory = make(given_regions)
    assert code().carve(memory, page * PAGE, pages * PAGE, protocol.MEMORY_EXECUTABLE_AND_MODULES)
    for base, end, kind in listed(memory):
        if kind == USABLE:
            assert end <= page * PAGE or base >= (page + pages) * PAGE


@given(regions)
def test_runs_cover_exactly_what_the_direct_map_may_hold(given_regions: list[Region]) -> None:
    memory = make(given_regions)
    for cached, kinds in ((True, {0, 5, 6}), (False, {7})):
        covered, start = set(), 0
        while True:
            base, end = next_run(memory, start, cached)
            if end == 0:
                break
            covered |= set(range(base, end, PAGE))
            start = end
        assert covered == {p for base, end, kind in listed(memory) if kind in kinds for p in range(base, end, PAGE)}


def test_a_full_map_refuses_more() -> None:
    memory = Map()
    for index in range(MOST_REGIONS):
        assert code().append(memory, index * 2 * PAGE, PAGE, USABLE)
    assert not code().append(memory, 1 << 40, PAGE, USABLE)


def test_regions_beyond_the_address_width_are_cut() -> None:
    memory = make([((1 << 52) - PAGE, 1 << 53, USABLE), (1 << 60, PAGE, USABLE)])
    assert listed(memory) == [((1 << 52) - PAGE, 1 << 52, USABLE)]
