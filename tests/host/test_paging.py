"""The page-table builder against a dictionary from pages to entries."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from compiler.native import NativeTrap, load_module

ROOT = Path(__file__).resolve().parents[2]
PAGE, LARGE, HUGE = 1 << 12, 1 << 21, 1 << 30
PRESENT, WRITABLE, USER, ACCESSED, DIRTY, LARGE_BIT, ATTRIBUTE = 1, 2, 4, 32, 64, 128, 128
NO_EXECUTE = 1 << 63
READ = PRESENT | USER | NO_EXECUTE
WRITE = READ | WRITABLE
EXECUTE = PRESENT | USER
ADDRESS = 0x000F_FFFF_FFFF_F000

paging: Any = load_module("kernel.arch.x86_64.paging", root=ROOT)


class TableCount(ctypes.Structure):
    _fields_ = (("missing", ctypes.c_uint64), ("counted_to", ctypes.c_uint64 * 5))


class Tables:
    """Page tables in ordinary memory: the physical window begins at 0, so addresses are the host's own."""

    def __init__(self, most: int = 2000) -> None:
        self.memory = ctypes.create_string_buffer((most + 1) * PAGE)
        first = (ctypes.addressof(self.memory) + PAGE - 1) & ~(PAGE - 1)
        self.free = [first + number * PAGE for number in range(most - 1)]
        self.taken: set[int] = set()
        self.take = ctypes.CFUNCTYPE(ctypes.c_uint64)(self._take)
        self.give = ctypes.CFUNCTYPE(None, ctypes.c_uint64)(self._give)
        self.root = self._take()

    def _take(self) -> int:
        if not self.free:
            return 0
        table = self.free.pop()
        ctypes.memset(table, 0, PAGE)
        self.taken.add(table)
        return table

    def _give(self, table: int) -> None:
        self.taken.remove(table)
        self.free.append(table)

    def map(self, virtual: int, physical: int, length: int, access: int) -> bool:
        return bool(paging.map_range(self.root, virtual, physical, length, access, address_of(self.take)))

    def missing(self, virtual: int, physical: int, length: int, access: int) -> int:
        count = TableCount()
        paging.count_missing_tables(count, self.root, virtual, physical, length, access)
        return int(count.missing)

    def detach(self, start: int, end: int) -> None:
        paging.detach_tables(self.root, start, end, address_of(self.give))

    def leaves(self, table: int = 0, level: int = 4, base: int = 0) -> Iterator[tuple[int, int, int]]:
        """Every page: where, how large, and its entry."""
        entries = (ctypes.c_uint64 * 512).from_address(table or self.root)
        size = 1 << (3 + 9 * level)
        for index, entry in enumerate(entries[:256] if level == 4 else entries):
            if entry & PRESENT == 0:
                assert entry == 0
            elif level == 1 or entry & LARGE_BIT:
                yield base + index * size, size, entry
            else:
                yield from self.leaves(entry & ADDRESS, level - 1, base + index * size)

    def pages(self) -> dict[int, int]:
        """Every page of 4 KiB with its entry, however it is mapped."""
        found = {}
        for start, size, entry in self.leaves():
            plain = entry if size == PAGE else entry & ~LARGE_BIT
            assert entry & ADDRESS & (size - 1) == 0, "a page of the machine begins where no such page can"
            for offset in range(0, size, PAGE):
                found[start + offset] = plain + offset
        return found


def address_of(callback: object) -> int:
    return ctypes.cast(callback, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


BASE = 5 * HUGE - 3 * LARGE
starts = st.integers(0, 6 * 512).map(lambda n: BASE + n * PAGE) | st.integers(0, 5).map(lambda n: BASE + n * LARGE)
lengths = st.integers(1, 600).map(lambda pages: pages * PAGE) | st.integers(1, 3).map(lambda n: n * LARGE)


class PagingModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.tables = Tables()
        self.model: dict[int, int] = {}

    @rule(
        start=starts,
        length=lengths,
        frame=st.integers(1, 2000) | st.integers(1, 5).map(lambda n: n * 512),
        follows=st.booleans(),
        access=st.sampled_from([READ, WRITE, EXECUTE]),
    )
    def map(self, start: int, length: int, frame: int, follows: bool, access: int) -> None:
        physical = frame * PAGE
        if follows:
            physical = physical // LARGE * LARGE + start % LARGE
        pages = range(start, start + length, PAGE)
        if any(page in self.model for page in pages):
            return
        missing, before = self.tables.missing(start, physical, length, access), len(self.tables.taken)
        assert self.tables.map(start, physical, length, access)
        assert len(self.tables.taken) - before == missing
        self.model |= {page: physical + page - start | access for page in pages}
        self.check()

    def split_at(self, address: int) -> None:
        while paging.crosses_page(self.tables.root, address):
            paging.demote(self.tables.root, address, self.tables._take())
            self.check()

    @rule(start=starts, length=lengths, and_tables=st.booleans())
    def clear(self, start: int, length: int, and_tables: bool) -> None:
        self.split_at(start)
        self.split_at(start + length)
        paging.clear_range(self.tables.root, start, start + length)
        if and_tables:
            self.tables.detach(start, start + length)
        for page in range(start, start + length, PAGE):
            self.model.pop(page, None)
        self.check()

    @rule(start=starts, length=lengths, access=st.sampled_from([READ, WRITE, EXECUTE]))
    def change(self, start: int, length: int, access: int) -> None:
        self.split_at(start)
        self.split_at(start + length)
        paging.change_range(self.tables.root, start, start + length, access)
        for page in range(start, start + length, PAGE):
            if page in self.model:
                self.model[page] = self.model[page] & (ADDRESS | ACCESSED | DIRTY) | access
        self.check()

    @precondition(lambda self: self.model)
    @rule(data=st.data(), bits=st.sampled_from([ACCESSED, ACCESSED | DIRTY]))
    def touch(self, data: st.DataObject, bits: int) -> None:
        """What the processor does: it marks the entry, so all of a large page."""
        page = data.draw(st.sampled_from(sorted(self.model)[::37]))
        place, level = paging.find_entry(self.tables.root, page)
        entry = ctypes.c_uint64.from_address(place)
        entry.value |= bits
        size = 1 << (3 + 9 * level)
        for other in range(page // size * size, page // size * size + size, PAGE):
            self.model[other] |= bits

    @rule(start=starts)
    def translate(self, start: int) -> None:
        assert paging.translate(self.tables.root, start) == self.model.get(start, 0)

    def check(self) -> None:
        assert self.tables.pages() == self.model

    def teardown(self) -> None:
        end = BASE + 10 * LARGE
        for edge in (BASE, end):
            self.split_at(edge)
        paging.clear_range(self.tables.root, 0, 1 << 47)
        self.tables.detach(0, 1 << 47)
        assert self.tables.taken == {self.tables.root}


PagingModel.TestCase.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
TestPaging = PagingModel.TestCase


def test_alignment_chooses_the_largest_pages() -> None:
    paging.use_huge_pages()
    tables = Tables()
    assert tables.map(HUGE - LARGE - PAGE, HUGE - LARGE - PAGE, HUGE + 2 * LARGE + 2 * PAGE, WRITE)
    sizes = [size for _, size, _ in tables.leaves()]
    assert sizes == [PAGE, LARGE, HUGE, LARGE, PAGE]


def test_a_huge_page_is_split_down_to_the_one_that_goes() -> None:
    paging.use_huge_pages()
    tables = Tables()
    assert tables.map(HUGE, 4 * HUGE, HUGE, WRITE)
    middle = HUGE + 300 * LARGE + 7 * PAGE
    for edge in (middle, middle + PAGE):
        while paging.crosses_page(tables.root, edge):
            paging.demote(tables.root, edge, tables._take())
    paging.clear_range(tables.root, middle, middle + PAGE)
    leaves = list(tables.leaves())
    assert len(leaves) == 511 + 511
    assert paging.translate(tables.root, middle) == 0
    assert paging.translate(tables.root, middle + PAGE) == middle + PAGE + 3 * HUGE | WRITE


def test_write_combining_is_mapped_by_small_pages() -> None:
    tables = Tables()
    assert tables.map(LARGE, LARGE, LARGE, WRITE | ATTRIBUTE)
    assert {size for _, size, _ in tables.leaves()} == {PAGE}


def test_running_out_of_tables_is_told() -> None:
    tables = Tables(3)
    assert not tables.map(LARGE, LARGE, PAGE, WRITE)


@pytest.mark.parametrize(
    ("virtual", "access", "why"),
    [
        (LARGE, PRESENT | USER | WRITABLE, "writable and executable"),
        (LARGE, PRESENT | NO_EXECUTE, "lower half"),
        (0xFFFF_8000_0000_0000, READ, "lower half"),
        (LARGE + 1, READ, "begin on a page"),
    ],
)
def test_what_may_never_be_mapped_is_refused(virtual: int, access: int, why: str) -> None:
    with pytest.raises(NativeTrap, match=why):
        Tables().map(virtual, LARGE, PAGE, access)
