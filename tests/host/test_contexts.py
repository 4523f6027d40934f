"""Tables of contexts against what processors do: a CPU never uses a translation that was changed since it learnt it.

The model's CPUs keep every translation that they may keep: of every context, until it is loaded without being kept, or
the CPU is asked to forget while it has the space in force.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from compiler.prelude import addr, u64
from kernel.arch.x86_64 import context_table
from kernel.arch.x86_64.context_table import CONTEXTS, ContextTable

CPUS = 2
PAGES = 2
SPACES = CONTEXTS + 2
cpus = st.integers(0, CPUS - 1)
pages = st.integers(0, PAGES - 1)


class Cpu:
    def __init__(self) -> None:
        self.table = ContextTable()
        self.space = 0
        self.place = 0
        self.kept: list[dict[int, int]] = [{} for _ in range(CONTEXTS)]


class ContextModel(RuleBasedStateMachine):
    @initialize()
    def make(self) -> None:
        self.cpus = [Cpu() for _ in range(CPUS)]
        self.changes: dict[int, int] = {}           # of the spaces that there are
        self.entries: dict[tuple[int, int], int] = {}
        self.newest_space = 0
        self.newest_value = 0

    @precondition(lambda self: len(self.changes) < SPACES)
    @rule()
    def make_space(self) -> None:
        self.newest_space += 1
        self.changes[self.newest_space] = 0
        for page in range(PAGES):
            self.fill(self.newest_space, page)

    @precondition(lambda self: self.changes)
    @rule(data=st.data(), page=pages)
    def change(self, data: st.DataObject, page: int) -> None:
        space = data.draw(st.sampled_from(sorted(self.changes)))
        self.fill(space, page)
        self.changes[space] += 1
        for cpu in self.cpus:
            if cpu.space == space:
                cpu.kept[cpu.place].pop(page, None)

    @precondition(lambda self: self.changes)
    @rule(data=st.data(), index=cpus)
    def enter(self, data: st.DataObject, index: int) -> None:
        cpu = self.cpus[index]
        space = data.draw(st.sampled_from(sorted(self.changes)))
        if cpu.space != space:
            place = int(context_table.place_of(addr(cpu.table), u64(space)))
            if not context_table.renew(addr(cpu.table), u64(place), u64(self.changes[space])):
                cpu.kept[place].clear()
            cpu.space, cpu.place = space, place
        for page in range(PAGES):
            self.use(cpu, page)

    @rule(index=cpus)
    def leave(self, index: int) -> None:
        self.cpus[index].space = 0

    def use(self, cpu: Cpu, page: int) -> None:
        entry = self.entries[cpu.space, page]
        assert cpu.kept[cpu.place].setdefault(page, entry) == entry

    @precondition(lambda self: self.changes)
    @rule(data=st.data())
    def end_space(self, data: st.DataObject) -> None:
        space = data.draw(st.sampled_from(sorted(self.changes)))
        del self.changes[space]
        for cpu in self.cpus:
            if cpu.space == space:
                cpu.space = 0

    def fill(self, space: int, page: int) -> None:
        """No two entries have ever meant the same."""
        self.newest_value += 1
        self.entries[space, page] = self.newest_value


TestContexts = ContextModel.TestCase
TestContexts.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def test_translations_are_kept() -> None:
    """Of as many spaces as there are contexts, and of no more."""
    table = ContextTable()
    spaces = range(1, CONTEXTS + 1)
    for is_kept in (False, True):
        for space in spaces:
            place = context_table.place_of(addr(table), u64(space))
            assert context_table.renew(addr(table), place, u64(7)) == is_kept
    place = context_table.place_of(addr(table), u64(CONTEXTS + 1))
    assert not context_table.renew(addr(table), place, u64(7))
    place = context_table.place_of(addr(table), u64(1))
    assert not context_table.renew(addr(table), place, u64(7))
