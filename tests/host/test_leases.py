"""Leases against a tree of flags, and references against a number."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from compiler.prelude import u32, u64
from kernel.caps import lease as leases
from kernel.caps import reference
from kernel.caps.lease import MAX_DEPTH, RECORDS_PER_PAGE, Use
from kernel.caps.object import Object
from tests.host.test_capability_table import make_page


class LeaseModel(RuleBasedStateMachine):
    """`known` holds every lease that was ever begun: index, epoch, which one it nests in, whether it was ended."""

    def __init__(self) -> None:
        super().__init__()
        self.known: list[tuple[int, int, int | None]] = []
        self.ended: set[int] = set()
        self.recycled: set[int] = set()
        self.uses: list[tuple[Use, int]] = []

    def is_in_force(self, which: int | None) -> bool:
        return which is None or (which not in self.ended and self.is_in_force(self.known[which][2]))

    def depth(self, which: int | None) -> int:
        return 0 if which is None else 1 + self.depth(self.known[which][2])

    def pick(self, data: st.DataObject) -> int:
        return data.draw(st.integers(0, len(self.known) - 1))

    @rule(data=st.data(), nests=st.booleans())
    def begin(self, data: st.DataObject, nests: bool) -> None:
        if leases.needs_page():
            leases.add_records(make_page())
        above = data.draw(st.sampled_from([None, *range(len(self.known))])) if nests else None
        if above in self.recycled:
            return
        index, epoch = (u32(0), u64(0)) if above is None else (u32(self.known[above][0]), u64(self.known[above][1]))
        assert leases.can_nest(index) == (self.depth(above) < MAX_DEPTH)
        if leases.can_nest(index):
            lease, begun = leases.begin(index, epoch)
            assert lease != 0
            self.known.append((int(lease), int(begun), above))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        which = self.pick(data)
        index, epoch, _ = self.known[which]
        assert leases.end(u32(index), u64(epoch)) == (which not in self.ended)
        self.ended.add(which)

    @precondition(lambda self: self.ended - self.recycled)
    @rule(data=st.data())
    def recycle(self, data: st.DataObject) -> None:
        which = data.draw(st.sampled_from(sorted(self.ended - self.recycled)))
        if not any(of == which for _, of in self.uses):
            leases.recycle(u32(self.known[which][0]))
            self.recycled.add(which)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def use(self, data: st.DataObject) -> None:
        which = self.pick(data)
        use = Use()
        added = leases.add_use(use, u32(self.known[which][0]), u64(self.known[which][1]))
        assert added == self.is_in_force(which)
        if added:
            self.uses.append((use, which))

    @precondition(lambda self: self.uses)
    @rule(data=st.data())
    def stop_using(self, data: st.DataObject) -> None:
        use, _ = self.uses.pop(data.draw(st.integers(0, len(self.uses) - 1)))
        assert leases.remove_use(use)
        assert not leases.remove_use(use)

    @precondition(lambda self: self.uses and self.ended)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        """What the end of a lease does: every use below it goes, and no other."""
        if not self.ended - self.recycled:
            return
        ended = data.draw(st.sampled_from(sorted(self.ended - self.recycled)))
        below = [(use, of) for use, of in self.uses if self.is_below(of, ended)]
        taken = 0
        for _, of in below:
            while leases.take_ended_use(u32(self.known[of][0]), u32(self.known[ended][0])) is not None:
                taken += 1
        assert taken == len(below)
        self.uses = [pair for pair in self.uses if pair not in below]

    def is_below(self, which: int | None, ancestor: int) -> bool:
        return which is not None and (which == ancestor or self.is_below(self.known[which][2], ancestor))

    @invariant()
    def every_check_agrees(self) -> None:
        for which, (index, epoch, _) in enumerate(self.known):
            assert leases.is_in_force(u32(index), u64(epoch)) == self.is_in_force(which)

    def teardown(self) -> None:
        for use, _ in self.uses:
            leases.remove_use(use)
        for which, (index, epoch, _) in enumerate(self.known):
            leases.end(u32(index), u64(epoch))
            if which not in self.recycled:
                leases.recycle(u32(index))


LeaseModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLeases = LeaseModel.TestCase


def test_records_come_in_pages() -> None:
    before = int(leases.record_count())
    leases.add_records(make_page())
    assert leases.record_count() == before + RECORDS_PER_PAGE


@given(st.lists(st.booleans(), max_size=60))
def test_references_count(takes: list[bool]) -> None:
    header = Object(references=1)
    count = 1
    for take in takes:
        if take:
            assert reference.take(header) == (count != 0)
            count += count != 0
        elif count != 0:
            count -= 1
            assert reference.drop(header) == (count == 0)
    assert header.references.load() == count


def test_a_count_saturates_and_never_comes_down() -> None:
    header = Object(references=reference.SATURATED - 1)
    for _ in range(3):
        assert reference.take(header)
    assert header.references.load() == reference.SATURATED
    for _ in range(5):
        assert not reference.drop(header)
    assert header.references.load() == reference.SATURATED
