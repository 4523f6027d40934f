"""Cutting mappings and large pages at the ends of a range, so that what is inside can be changed as a whole.

What a program can do stays the same. All that can run out is taken before the first cut.
Locks: callers hold AddressSpace.lock.
"""
from compiler.prelude import addr, ptr, u64
from kernel.abi.errors import Status
from kernel.arch.x86_64 import paging
from kernel.caps import reference
from kernel.core.process_block import Process
from kernel.memory import address_space, range_tree
from kernel.objects.mapping import free_mapping, link, make_mapping, prepare_tables, return_tables
from kernel.objects.memory_block import Mapping, of_node


def cut_range(process: ptr[Process], start: u64, end: u64) -> Status:
    """Requires: all of the range is mapped. Errors: OVER_LIMIT, NO_MEMORY, REVOKED, DESTROYED."""
    low, status = _make_part(process, start)
    if status != Status.OK:
        return status
    high, status_high = _make_part(process, end)
    if status_high != Status.OK:
        _free_part(low)
        return status_high
    root = process.space.root
    status = prepare_tables(process, paging.count_demotions(root, start) + paging.count_demotions(root, end))
    if status == Status.OK:
        status = _split(process, low, start)
        if status == Status.OK:
            low = None
            status = _split(process, high, end)
            if status == Status.OK:
                high = None
                _split_pages(root, start)
                _split_pages(root, end)
        return_tables(process)
    _free_part(low)
    _free_part(high)
    return status


def _make_part(process: ptr[Process], at: u64) -> tuple[ptr[Mapping] | None, Status]:
    """A mapping for what will lie behind a cut; None when a mapping begins or ends there."""
    node = range_tree.find(addr(process.space.ranges), at)
    if node is None or node.start >= at:
        return None, Status.OK
    return make_mapping(process)


def _free_part(part: ptr[Mapping] | None) -> None:
    if part is not None:
        free_mapping(part)


def _split(process: ptr[Process], part: ptr[Mapping] | None, at: u64) -> Status:
    """Errors: REVOKED, DESTROYED: the mapping is about to be taken back as a whole."""
    if part is None:
        return Status.OK
    node = range_tree.find(addr(process.space.ranges), at)
    assert node is not None and node.start < at
    whole = of_node(node)
    part.node.start = at
    part.node.end = node.end
    part.memory = whole.memory
    part.offset = whole.offset + (at - node.start)
    part.access = whole.access
    part.allowed = whole.allowed
    part.is_writer = whole.is_writer
    part.lease = whole.lease
    part.epoch = whole.epoch
    status = link(part)
    if status != Status.OK:
        return status
    is_taken = reference.take(addr(whole.memory.header))
    assert is_taken
    node.end = at
    range_tree.insert(addr(process.space.ranges), addr(part.node))
    return Status.OK


def _split_pages(root: u64, at: u64) -> None:
    while paging.crosses_page(root, at):
        paging.demote(root, at, address_space.take_table())


