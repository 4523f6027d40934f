"""The capability table against a dictionary: handles that work, handles that once did, slots that come back."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from compiler.prelude import u32, u64
from compiler.prelude.host_memory import Memory
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.caps import table as tables
from kernel.caps.capability import Capability, generation_of, index_of
from kernel.caps.object import Object, State
from kernel.caps.table import SLOTS_PER_PAGE, Table

LAST_GENERATION = 0xFFFF_FFFF
PAGE_BYTES = 4096
KINDS = (ObjectKind.MEMORY, ObjectKind.CHANNEL)


def make_page() -> u64:
    return u64(Memory(bytearray(PAGE_BYTES), align=PAGE_BYTES).address())


def make_table(pages: int = 1) -> Table:
    table = Table()
    for _ in range(pages):
        page = make_page()
        if tables.needs_directory(table):
            tables.add_directory(table, make_page())
        tables.add_slots(table, page)
    return table


def make_capability(kind: ObjectKind, rights: int, badge: int) -> Capability:
    header = Object(references=1, kind=u32(kind))
    return Capability(object=header, rights=u32(rights), badge=u64(badge))


def describe(capability: Capability) -> tuple[int, int, int]:
    assert capability.object is not None
    return int(capability.object.kind), int(capability.rights), int(capability.badge)


class TableModel(RuleBasedStateMachine):
    """Rules reserve, fill, read and remove; the model knows what each handle ever given stands for now."""

    def __init__(self) -> None:
        super().__init__()
        self.table = make_table()
        self.pages = 1
        self.occupied: dict[int, tuple[ObjectKind, int, int]] = {}
        self.stale: list[int] = []

    @rule(kind=st.sampled_from(KINDS), rights=st.integers(0, 15), badge=st.integers(0, 9))
    def insert(self, kind: ObjectKind, rights: int, badge: int) -> None:
        index = tables.reserve(self.table)
        if len(self.occupied) == self.pages * SLOTS_PER_PAGE - 1:
            assert index == 0
            return
        assert index != 0
        handle = int(tables.fill(self.table, index, make_capability(kind, rights, badge)))
        assert handle not in self.occupied and handle not in self.stale and handle != 0
        self.occupied[handle] = (kind, rights, badge)

    @rule()
    def reserve_and_give_back(self) -> None:
        index = tables.reserve(self.table)
        if index != 0:
            tables.give_back(self.table, index)

    @precondition(lambda self: self.pages < 3)
    @rule()
    def grow(self) -> None:
        tables.add_slots(self.table, make_page())
        self.pages += 1

    @precondition(lambda self: self.occupied)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        handle = data.draw(st.sampled_from(sorted(self.occupied)))
        removed = Capability()
        assert tables.remove(self.table, u64(handle), removed)
        assert describe(removed) == self.occupied.pop(handle)
        assert not tables.remove(self.table, u64(handle), removed)
        self.stale.append(handle)

    @precondition(lambda self: self.occupied)
    @rule(data=st.data(), kind=st.sampled_from([ObjectKind.NONE, ObjectKind.MEMORY]), rights=st.integers(0, 15))
    def look_up(self, data: st.DataObject, kind: ObjectKind, rights: int) -> None:
        handle = data.draw(st.sampled_from(sorted(self.occupied)))
        found = Capability()
        status = tables.lookup(self.table, u64(handle), u32(kind), u32(rights), found)
        has_kind, has_rights, has_badge = self.occupied[handle]
        if kind not in (ObjectKind.NONE, has_kind):
            assert status == Status.BAD_KIND
        elif rights & ~has_rights:
            assert status == Status.NO_RIGHT
        else:
            assert status == Status.OK
            assert describe(found) == (has_kind, has_rights, has_badge)

    @rule(handle=st.integers(0, 2**64 - 1) | st.integers(0, 2**34))
    def forge(self, handle: int) -> None:
        if handle not in self.occupied:
            found = Capability()
            assert tables.lookup(self.table, u64(handle), u32(0), u32(0), found) == Status.BAD_HANDLE
            assert not tables.remove(self.table, u64(handle), found)

    @invariant()
    def stale_handles_name_nothing(self) -> None:
        found = Capability()
        for handle in self.stale[-8:]:
            assert not tables.read(self.table, u64(handle), found)


TableModel.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestTable = TableModel.TestCase


def test_a_slot_whose_generation_is_used_up_is_retired() -> None:
    table = make_table()
    index = tables.reserve(table)
    slot = tables._slot(table, index)
    slot.state.store(u64((LAST_GENERATION - 1) << 32))
    handle = tables.fill(table, index, make_capability(ObjectKind.MEMORY, 1, 1))
    assert generation_of(handle) == LAST_GENERATION
    removed = Capability()
    assert tables.remove(table, handle, removed)
    indices = set()
    while (index := tables.reserve(table)) != 0:
        indices.add(int(index))
    assert indices == set(range(1, SLOTS_PER_PAGE)) - {int(index_of(handle))}


def test_emptying_goes_through_every_slot_once() -> None:
    table = make_table(pages=3)
    badges = set(range(150))
    for badge in badges:
        tables.fill(table, tables.reserve(table), make_capability(ObjectKind.MEMORY, 1, badge))
    found = set()
    cursor = u32(0)
    removed = Capability()
    while cursor != table.slots.load():
        cursor, is_found = tables.take_next(table, cursor, removed)
        if is_found:
            found.add(int(removed.badge))
    assert found == badges


def test_an_object_at_its_end_can_be_examined_and_not_used() -> None:
    table = make_table()
    capability = make_capability(ObjectKind.MEMORY, 0xFFFF, 0)
    handle = tables.fill(table, tables.reserve(table), capability)
    found = Capability()
    header = capability.object
    assert header is not None
    inspect, create = u32(0x8), u32(0x800)
    header.state.store(State.DYING)
    assert tables.lookup(table, handle, u32(0), inspect, found) == Status.OK
    assert tables.lookup(table, handle, u32(0), create, found) == Status.DESTROYED
    header.state.store(State.DEAD)
    assert tables.lookup(table, handle, u32(0), inspect, found) == Status.DESTROYED
