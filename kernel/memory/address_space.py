"""A user address space: page tables whose upper half is the kernel's, the ranges in use, and the CPUs that have it.

Invariants: I-MEM-7: a CPU says which space it has in force before it loads the tables, with a full fence between, so
whoever changes an entry and then, behind a full fence, looks who has the space misses nobody who could still have the
old one. `cpus` only tells where to look: a CPU that has once had the space stays in it. I-MEM-10: whoever changes an
entry counts it in `changes` before it looks who has the space, and a CPU reads the count after it has said that it has
it, so a change is asked for or found by everybody who keeps the old entry (arch/x86_64/contexts.py).
Locks: AddressSpace.lock (Rank.SPACE) guards tables, ranges and `is_ending`.
Not here: what is mapped (objects/mapping.py), who pays.
"""
from compiler.prelude import addr, atomic, const, count_zeros_right, inline, offsetof, percpu, ptr, struct, u32, u64
from kernel.abi.layout import USER_END
from kernel.arch.x86_64 import contexts, cpu, mailbox, paging, ports, tlb
from kernel.arch.x86_64.mailbox import Request
from kernel.arch.x86_64.pages import PAGE_SHIFT
from kernel.arch.x86_64.ports import PortRanges
from kernel.arch.x86_64.registers import write_cr3
from kernel.arch.x86_64.tlb import CPU_WORDS, CpuSet, in_force
from kernel.memory import kernel_space, physical
from kernel.memory.buddy import NO_FRAME
from kernel.memory.frame_table import record
from kernel.memory.range_tree import RangeTree
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

# Error code of a page fault (SDM vol 3, 4.7).
_FAULT_WRITES = const(1 << 1)
_FAULT_BY_USER = const(1 << 2)
_FAULT_FETCHES = const(1 << 4)
_FAULT_CODES = const(1 | _FAULT_WRITES | _FAULT_BY_USER | _FAULT_FETCHES)


@struct
class AddressSpace:
    lock: SpinLock
    root: u64                           # physical address of the top table
    number: u64                         # which no other space has or will have; 0 where CPUs have no contexts
    changes: atomic[u64]                # of entries that a CPU may have in its caches; likewise
    is_ending: atomic[u32]              # nothing is mapped any more, and no CPU loads the tables
    mappings: atomic[u32]               # mappings whose memory has not been freed
    tables: u64                         # tables below the top one
    ranges: RangeTree
    cpus: CpuSet
    grants: u64                         # address of the first grant of ports (objects/ioports.py), 0 for none
    ports: PortRanges                   # I/O ports that programs in it may use


_spare: percpu[u32] = NO_FRAME          # frames for tables, linked by their records
_detached: percpu[u32] = NO_FRAME       # tables that were taken out, linked likewise

_newest: atomic[u64] = 0                # number of a space

_CPUS = const(offsetof(AddressSpace, "cpus"))


def start() -> None:
    tlb.attend = _look_at_space


def create(space: ptr[AddressSpace]) -> bool:
    """Makes a zeroed space an empty one. Returns False when memory runs out."""
    root = kernel_space.take_root()
    if root == 0:
        return False
    kernel_space.share_upper_half(root)
    space.root = root
    if cpu.has_contexts:
        space.number = _newest.fetch_add(1, "relaxed") + 1
    space.lock.rank = Rank.SPACE
    return True


def enter(space: ptr[AddressSpace]) -> None:
    """Puts a space in force on this CPU. Requires: it is not ending."""
    if in_force.cpus.load("relaxed") == u64(addr(space.cpus)):
        return
    if _cpus_word(space) & cpu.set_bit == 0:
        _ = space.cpus.words[cpu.index // 64].fetch_or(cpu.set_bit, "relaxed")
    if cpu.has_contexts:
        place = contexts.place_of(space.number)
        in_force.cpus.store(u64(addr(space.cpus)), "seq_cst")
        contexts.load(space.root, place, space.changes.load("seq_cst"))
    else:
        switch(space)
    ports.change(addr(space.ports))


@inline
def forget(space: ptr[AddressSpace], start: u64, end: u64) -> None:
    """After a change of entries: this CPU forgets them now if it has the space in force, and any CPU that does not have
    it, when it comes back. Others that have it are to be asked (tlb.py)."""
    if cpu.has_contexts:
        _ = space.changes.fetch_add(1, "seq_cst")
    if is_current(space):
        tlb.forget(start, end)


@inline
def is_plain(space: ptr[AddressSpace]) -> bool:
    """Whether switch() alone does what enter() does: another space is in force, there are no contexts, and ports are
    nobody's concern."""
    return _cpus_word(space) & cpu.plain_bit != 0 and not ports.are_of_concern(addr(space.ports))


@inline
def switch(space: ptr[AddressSpace]) -> None:
    in_force.cpus.store(u64(addr(space.cpus)), "seq_cst")
    write_cr3(space.root)


@inline
def _cpus_word(space: ptr[AddressSpace]) -> u64:
    """Of the set of CPUs that have had the space, the part with this CPU."""
    return ptr[u64](u64(addr(space.cpus)) + cpu.set_offset)[0]


def leave() -> None:
    """Puts the kernel's own tables in force."""
    if in_force.cpus.load("relaxed") != 0:
        contexts.load_kernel(kernel_space.root)
        in_force.cpus.store(0, "seq_cst")
        ports.close()


def permits(address: u64, error: u64) -> bool:
    """Whether the space in force allows the access of a program's page fault after all.

    A CPU may remember for a while that there was no page. Source: SDM vol 3, 4.10.4.3 (spurious faults).
    """
    space = _current()
    if space is None or address >= USER_END or error & ~u64(_FAULT_CODES) != 0 or error & _FAULT_BY_USER == 0:
        return False
    entry = paging.translate(space.root, address)
    if entry & paging.PRESENT == 0 or (error & _FAULT_WRITES != 0 and entry & paging.WRITABLE == 0):
        return False
    return error & _FAULT_FETCHES == 0 or entry & paging.NO_EXECUTE == 0


def is_current(space: ptr[AddressSpace]) -> bool:
    return in_force.cpus.load("relaxed") == u64(addr(space.cpus))


def is_in_force(space: ptr[AddressSpace]) -> bool:
    """Whether any CPU has it."""
    for group in range(CPU_WORDS):
        if tlb.who_has(addr(space.cpus), group) != 0:
            return True
    return False


def make_all_look(space: ptr[AddressSpace]) -> None:
    """Makes every CPU that has a space leave it if it is ending (is_in_force() tells when), or load its ports anew."""
    if is_current(space):
        _look_at_space()
    for group in range(CPU_WORDS):
        others = tlb.who_has(addr(space.cpus), group)
        while others != 0:
            mailbox.post(u32(group) * 64 + u32(count_zeros_right(others)), Request.TLB_FLUSH)
            others &= others - 1


def free_tables(space: ptr[AddressSpace]) -> None:
    """Gives the tables of an empty space back. Requires: no CPU has it in force, nor will."""
    paging.detach_tables(space.root, 0, u64(1) << 47, physical.release_frame)
    kernel_space.release_root(space.root)


def prepare_tables(count: u64) -> bool:
    """Puts frames for so many tables aside on this CPU. Returns False, none put aside, when memory runs out."""
    global _spare
    for _ in range(count):
        place = physical.allocate_zeroed()
        if place == 0:
            _ = drop_spare_tables()
            return False
        frame = u32(place >> PAGE_SHIFT)
        record(frame).next = _spare
        _spare = frame
    return True


def take_table() -> u64:
    """One of the prepared tables."""
    global _spare
    frame = _spare
    assert frame != NO_FRAME, "more tables were needed than counted"
    _spare = record(frame).next
    return u64(frame) << PAGE_SHIFT


def drop_spare_tables() -> u64:
    """Gives back what was prepared and not taken. Returns how many."""
    global _spare
    count: u64 = 0
    while _spare != NO_FRAME:
        frame = _spare
        _spare = record(frame).next
        physical.release_frame(u64(frame) << PAGE_SHIFT)
        count += 1
    return count


def detach_tables(space: ptr[AddressSpace], start: u64, end: u64, others: u32) -> u32:
    """Takes the tables out that lie wholly in a range without pages. Returns the first, linked before `others`.

    Requires: AddressSpace.lock. The frames may be reused once every CPU has forgotten the range: release_tables().
    """
    global _detached
    _detached = others
    paging.detach_tables(space.root, start, end, _note_detached)
    return _detached


def release_tables(first: u32) -> u64:
    """Gives detached tables back. Returns how many."""
    count: u64 = 0
    frame = first
    while frame != NO_FRAME:
        following = record(frame).next
        physical.release_frame(u64(frame) << PAGE_SHIFT)
        frame = following
        count += 1
    return count


def _note_detached(table: u64) -> None:
    global _detached
    frame = u32(table >> PAGE_SHIFT)
    record(frame).next = _detached
    _detached = frame


def _look_at_space() -> None:
    space = _current()
    if space is None:
        return
    if space.is_ending.load("seq_cst") != 0:
        leave()
    else:
        ports.change(addr(space.ports))


def _current() -> ptr[AddressSpace] | None:
    cpus = in_force.cpus.load("relaxed")
    return None if cpus == 0 else ptr[AddressSpace](cpus - _CPUS)
