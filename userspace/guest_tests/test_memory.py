"""Memory and address spaces from outside: made, mapped, cut, protected, sealed, taken back, and refused."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import asm_x64, const, export, mem8, mem64, naked, sizeof, u64
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.layout import USER_END
from kernel.abi.memory import CONTIGUOUS, EXECUTE, PAGE_ACCESSED, PAGE_DIRTY, READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.objects import Resource
from kernel.abi.rights import Right
from kernel.abi.thread import ThreadRegisters
from userspace.guest_tests.memory_tools import (
    ACCESS,
    PLACE,
    charged,
    expect,
    free_frames,
    is_mapped,
    make,
    make_at,
    pages,
    settle,
    state_of,
    take_away,
    word,
)
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.lib.memory import LARGE_PAGE, PAGE, create_memory, map_memory, protect, seal, unmap
from userspace.lib.syscall import close, invoke, yield_now

_CASES = const(15)
_CODE = const(0x0000_C300_0000_2AB8)    # mov eax, 42; ret
_SLACK = const(8)                       # page tables, which stay, and half-filled slabs
_UPPER_HALF = const(0xFFFF_8000_0000_0000)
_LAST_PAGE = const(0xFFFF_FFFF_FFFF_F000)


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("map_and_unmap")
    _map_and_unmap()
    begin("refused_maps")
    _refused_maps()
    begin("refused_creations")
    _refused_creations()
    begin("refused_unmaps")
    _refused_unmaps()
    begin("overlaps")
    _overlaps()
    begin("cuts")
    _cuts()
    begin("protect")
    _protect()
    begin("rights")
    _rights()
    begin("seal_and_run")
    _seal_and_run()
    begin("large_pages")
    _large_pages()
    begin("accessed_and_dirty")
    _accessed_and_dirty()
    begin("fresh_frames_are_zero")
    _fresh_frames_are_zero()
    begin("lease_end")
    _lease_end()
    begin("destroy")
    _destroy()
    begin("short_copies")
    _short_copies()
    end()


def _map_and_unmap() -> None:
    before = free_frames()
    objects = charged(ROOT_ACCOUNT, Resource.OBJECTS)
    memory = make(pages(3))
    status, size = invoke(memory, Method.MEMORY_SIZE)
    expect(status, Status.OK, "size")
    check_equal(size, pages(3), "size")
    expect(map_memory(memory, OWN_PROCESS, PLACE | READ | WRITE, PAGE, pages(2)), Status.OK, "map")
    check_equal(state_of(PLACE) & ACCESS, READ | WRITE, "access")
    for index in range(pages(2) // 8):
        check_numbered(word(PLACE)[index], 0, "a fresh word", index)
        word(PLACE)[index] = index
    expect(map_memory(memory, OWN_PROCESS, PLACE + pages(8) | READ, pages(2), PAGE), Status.OK, "map again")
    check_equal(word(PLACE + pages(8))[1], PAGE // 8 + 1, "the same page at another place")
    expect(unmap(OWN_PROCESS, PLACE, pages(2)), Status.OK, "unmap")
    check(not is_mapped(PLACE) and not is_mapped(PLACE + PAGE), "unmapped pages are still there")
    expect(unmap(OWN_PROCESS, PLACE, pages(2)), Status.NOT_MAPPED, "unmap twice")
    expect(close(memory), Status.OK, "close")
    check_equal(word(PLACE + pages(8))[1], PAGE // 8 + 1, "a mapping keeps its memory")
    expect(unmap(OWN_PROCESS, PLACE + pages(8), PAGE), Status.OK, "unmap the last mapping")
    settle()
    # The page tables stay with the address space.
    check(free_frames() + _SLACK >= before, "frames were lost")
    check_equal(charged(ROOT_ACCOUNT, Resource.OBJECTS), objects, "objects were lost")


def _refuse(memory: u64, place: u64, offset: u64, length: u64, wanted: Status, number: u64) -> None:
    check_numbered(u64(map_memory(memory, OWN_PROCESS, place, offset, length)), u64(wanted), "map", number)
    check_numbered(u64(is_mapped(PLACE)), 0, "a refused map left a page", number)


def _refused_maps() -> None:
    memory = make(pages(4))
    access: u64 = READ | WRITE
    _refuse(memory, access, 0, PAGE, Status.BAD_ADDRESS, 1)
    _refuse(memory, USER_END | access, 0, PAGE, Status.BAD_ADDRESS, 2)
    _refuse(memory, USER_END - PAGE | access, 0, pages(2), Status.BAD_ADDRESS, 3)
    _refuse(memory, _UPPER_HALF | access, 0, PAGE, Status.BAD_ADDRESS, 4)
    _refuse(memory, _LAST_PAGE | access, 0, PAGE, Status.BAD_ADDRESS, 5)
    _refuse(memory, u64(1) << 47 | access, 0, PAGE, Status.BAD_ADDRESS, 6)
    _refuse(memory, PLACE | READ | WRITE | EXECUTE, 0, PAGE, Status.BAD_ARGUMENT, 7)
    _refuse(memory, PLACE | WRITE, 0, PAGE, Status.BAD_ARGUMENT, 8)
    _refuse(memory, PLACE, 0, PAGE, Status.BAD_ARGUMENT, 9)
    _refuse(memory, PLACE | 8 | READ, 0, PAGE, Status.BAD_ARGUMENT, 10)
    _refuse(memory, PLACE | access, 0, 0, Status.BAD_ARGUMENT, 11)
    _refuse(memory, PLACE | access, 0, PAGE + 1, Status.BAD_ARGUMENT, 12)
    _refuse(memory, PLACE | access, 8, PAGE, Status.BAD_ARGUMENT, 13)
    _refuse(memory, PLACE | access, pages(4), PAGE, Status.BAD_ARGUMENT, 14)
    _refuse(memory, PLACE | access, PAGE, pages(4), Status.BAD_ARGUMENT, 15)
    _refuse(memory, PLACE | access, _LAST_PAGE, pages(2), Status.BAD_ARGUMENT, 16)
    _refuse(memory, PLACE | access, 0, _LAST_PAGE, Status.BAD_ADDRESS, 17)
    _refuse(memory, PLACE | access, 0, u64(1) << 63, Status.BAD_ADDRESS, 18)
    _refuse(memory, PLACE | READ | EXECUTE, 0, PAGE, Status.NOT_SEALED, 19)
    expect(close(memory), Status.OK, "close")
    settle()


def _refused_creations() -> None:
    frames = charged(ROOT_ACCOUNT, Resource.FRAMES)
    for number in range(u64(6)):
        length: u64 = 0
        flags: u64 = 0
        wanted = Status.BAD_ARGUMENT
        match number:
            case 1:
                length = PAGE + 1
            case 2:
                length = _LAST_PAGE
            case 3:
                length = PAGE
                flags = 2
            case 4:
                length = u64(1) << 43
                wanted = Status.OVER_LIMIT
            case 5:
                length = u64(1) << 42
                flags = CONTIGUOUS
                wanted = Status.OVER_LIMIT
        status, _ = create_memory(ROOT_ACCOUNT, length, flags)
        check_numbered(u64(status), u64(wanted), "creation", number)
    check_equal(charged(ROOT_ACCOUNT, Resource.FRAMES), frames, "charges of refused creations")


def _refused_unmaps() -> None:
    memory = make_at(PLACE, pages(2))
    expect(map_memory(memory, OWN_PROCESS, PLACE + pages(3) | READ, 0, PAGE), Status.OK, "map behind a hole")
    expect(unmap(OWN_PROCESS, PLACE, pages(4)), Status.NOT_MAPPED, "unmap over a hole")
    expect(unmap(OWN_PROCESS, PLACE - PAGE, pages(2)), Status.NOT_MAPPED, "unmap from before")
    expect(unmap(OWN_PROCESS, PLACE, 0), Status.BAD_ARGUMENT, "unmap nothing")
    expect(unmap(OWN_PROCESS, PLACE + 8, PAGE), Status.BAD_ARGUMENT, "unmap inside a page")
    expect(unmap(OWN_PROCESS, PLACE, PAGE + 8), Status.BAD_ARGUMENT, "unmap part of a page")
    expect(unmap(OWN_PROCESS, 0, PAGE), Status.BAD_ADDRESS, "unmap the null page")
    expect(unmap(OWN_PROCESS, _UPPER_HALF, PAGE), Status.BAD_ADDRESS, "unmap the kernel")
    expect(unmap(OWN_PROCESS, PLACE, _LAST_PAGE), Status.BAD_ADDRESS, "unmap and wrap")
    expect(protect(OWN_PROCESS, PLACE | READ, pages(4)), Status.NOT_MAPPED, "protect over a hole")
    expect(protect(OWN_PROCESS, PLACE | WRITE, PAGE), Status.BAD_ARGUMENT, "protect without reading")
    expect(protect(OWN_PROCESS, PLACE | READ | WRITE | EXECUTE, PAGE), Status.BAD_ARGUMENT, "protect to W and X")
    check(is_mapped(PLACE) and is_mapped(PLACE + PAGE) and is_mapped(PLACE + pages(3)), "a refusal unmapped")
    expect(unmap(OWN_PROCESS, PLACE + pages(3), PAGE), Status.OK, "unmap")
    take_away(PLACE, pages(2), memory)


def _overlaps() -> None:
    memory = make_at(PLACE + pages(4), pages(4))
    for number in range(u64(12)):
        wanted = Status.ALREADY_MAPPED if 1 <= number < 8 else Status.OK
        place = PLACE + pages(number)
        status = map_memory(memory, OWN_PROCESS, place | READ, 0, pages(4))
        check_numbered(u64(status), u64(wanted), "map beside or over", number)
        if status == Status.OK:
            expect(unmap(OWN_PROCESS, place, pages(4)), Status.OK, "unmap")
    take_away(PLACE + pages(4), pages(4), memory)


def _cuts() -> None:
    """A mapping cut from both ends, in the middle, and across two mappings at once."""
    settle()
    objects = charged(ROOT_ACCOUNT, Resource.OBJECTS)
    memory = make_at(PLACE, pages(8))
    other = make_at(PLACE + pages(8), pages(4))
    for index in range(u64(12)):
        word(PLACE + pages(index))[0] = index
    expect(unmap(OWN_PROCESS, PLACE + pages(2), PAGE), Status.OK, "unmap from the middle")
    expect(unmap(OWN_PROCESS, PLACE, PAGE), Status.OK, "unmap the first")
    expect(unmap(OWN_PROCESS, PLACE + pages(7), pages(2)), Status.OK, "unmap across two mappings")
    for index in range(u64(12)):
        is_gone = index == 0 or index == 2 or index == 7 or index == 8
        check_numbered(u64(is_mapped(PLACE + pages(index))), u64(not is_gone), "page", index)
        if not is_gone:
            check_numbered(word(PLACE + pages(index))[0], index, "word", index)
    expect(unmap(OWN_PROCESS, PLACE + PAGE, PAGE), Status.OK, "unmap a rest")
    expect(unmap(OWN_PROCESS, PLACE + pages(3), pages(4)), Status.OK, "unmap a rest")
    expect(unmap(OWN_PROCESS, PLACE + pages(9), pages(3)), Status.OK, "unmap a rest")
    expect(close(memory), Status.OK, "close")
    expect(close(other), Status.OK, "close")
    settle()
    check_equal(charged(ROOT_ACCOUNT, Resource.OBJECTS), objects, "objects were lost")


def _protect() -> None:
    memory = make_at(PLACE, pages(4))
    word(PLACE + PAGE)[0] = 7
    expect(protect(OWN_PROCESS, PLACE + PAGE | READ, pages(2)), Status.OK, "protect")
    for index in range(u64(4)):
        wanted: u64 = READ if index == 1 or index == 2 else READ | WRITE
        check_numbered(state_of(PLACE + pages(index)) & ACCESS, wanted, "access", index)
    check_equal(word(PLACE + PAGE)[0], 7, "a protected word")
    expect(protect(OWN_PROCESS, PLACE | READ | WRITE, pages(4)), Status.OK, "protect across cuts")
    word(PLACE + PAGE)[0] = 8
    check_equal(word(PLACE + PAGE)[0], 8, "a word written again")
    take_away(PLACE, pages(4), memory)


def _rights() -> None:
    """What a mapping may do is bounded for ever by the capability that it was made with."""
    memory = make(PAGE)
    status, reader = invoke(memory, Method.COPY, Right.READ)
    expect(status, Status.OK, "copy")
    expect(map_memory(reader, OWN_PROCESS, PLACE | READ | WRITE, 0, PAGE), Status.NO_RIGHT, "write by a reader")
    expect(map_memory(reader, OWN_PROCESS, PLACE | READ, 0, PAGE), Status.OK, "map by a reader")
    expect(protect(OWN_PROCESS, PLACE | READ | WRITE, PAGE), Status.NO_RIGHT, "more than the capability had")
    expect(seal(memory), Status.OK, "seal")
    expect(protect(OWN_PROCESS, PLACE | READ | EXECUTE, PAGE), Status.NO_RIGHT, "execute by a reader")
    expect(unmap(OWN_PROCESS, PLACE, PAGE), Status.OK, "unmap")
    expect(close(reader), Status.OK, "close")
    status, blind = invoke(memory, Method.COPY, Right.EXECUTE)
    expect(map_memory(blind, OWN_PROCESS, PLACE | READ | EXECUTE, 0, PAGE), Status.NO_RIGHT, "map without READ")
    expect(close(blind), Status.OK, "close")
    expect(close(memory), Status.OK, "close")


def _seal_and_run() -> None:
    memory = make_at(PLACE, PAGE)
    word(PLACE)[0] = _CODE
    expect(seal(memory), Status.BUSY, "seal while it can be written")
    expect(protect(OWN_PROCESS, PLACE | READ, PAGE), Status.OK, "protect")
    expect(protect(OWN_PROCESS, PLACE | READ | EXECUTE, PAGE), Status.NOT_SEALED, "execute what can be written")
    expect(seal(memory), Status.OK, "seal")
    expect(protect(OWN_PROCESS, PLACE | READ | WRITE, PAGE), Status.SEALED, "write sealed memory")
    elsewhere = PLACE + pages(2)
    expect(map_memory(memory, OWN_PROCESS, elsewhere | READ | WRITE, 0, PAGE), Status.SEALED, "map sealed memory")
    expect(protect(OWN_PROCESS, PLACE | READ | EXECUTE, PAGE), Status.OK, "execute sealed memory")
    check_equal(_call(PLACE), 42, "what the code returns")
    take_away(PLACE, PAGE, memory)


@naked
@asm_x64
def _call(code: u64) -> u64:
    jmp(rdi)


def _large_pages() -> None:
    """Chosen by alignment, split when a small page inside is taken, together again elsewhere."""
    length: u64 = 2 * LARGE_PAGE
    memory = make(length, CONTIGUOUS)
    _, physical = invoke(memory, Method.MEMORY_PHYSICAL_ADDRESS, 0)
    _, last = invoke(memory, Method.MEMORY_PHYSICAL_ADDRESS, length - 8)
    check_equal(last, physical + length - 8, "contiguous memory")
    expect(map_memory(memory, OWN_PROCESS, PLACE | READ | WRITE, 0, length), Status.OK, "map")
    check_equal(state_of(PLACE + PAGE) & ~u64(PAGE - 1), LARGE_PAGE, "size of a page")
    for index in range(length // PAGE):
        word(PLACE + pages(index))[0] = index
    middle: u64 = LARGE_PAGE // PAGE // 2
    expect(unmap(OWN_PROCESS, PLACE + pages(middle), PAGE), Status.OK, "unmap from the middle of a large page")
    check(not is_mapped(PLACE + pages(middle)), "the page is still there")
    check_equal(state_of(PLACE) & ~u64(PAGE - 1), PAGE, "size of a split page")
    check_equal(state_of(PLACE + LARGE_PAGE) & ~u64(PAGE - 1), LARGE_PAGE, "size of the other page")
    for index in range(length // PAGE):
        if index != middle:
            check_numbered(word(PLACE + pages(index))[0], index, "word", index)
    expect(map_memory(memory, OWN_PROCESS, PLACE + pages(middle) | READ, 0, PAGE), Status.OK, "map into the gap")
    check_equal(word(PLACE + pages(middle))[0], 0, "first word in the gap")
    expect(protect(OWN_PROCESS, PLACE + LARGE_PAGE | READ, PAGE), Status.OK, "protect part of a large page")
    check_equal(state_of(PLACE + LARGE_PAGE + PAGE) & ACCESS, READ | WRITE, "access of the rest")
    take_away(PLACE, length, memory)
    settle()


def _accessed_and_dirty() -> None:
    memory = make_at(PLACE, pages(3))
    check_equal(state_of(PLACE) & (PAGE_ACCESSED | PAGE_DIRTY), 0, "an untouched page")
    _ = mem64[PLACE]
    check_equal(state_of(PLACE) & (PAGE_ACCESSED | PAGE_DIRTY), PAGE_ACCESSED, "a read page")
    word(PLACE)[0] = 1
    check_equal(state_of(PLACE) & (PAGE_ACCESSED | PAGE_DIRTY), PAGE_ACCESSED | PAGE_DIRTY, "a written page")
    expect(protect(OWN_PROCESS, PLACE | READ, pages(3)), Status.OK, "protect")
    check_equal(state_of(PLACE) & PAGE_DIRTY, PAGE_DIRTY, "a written page that was protected")
    check_equal(state_of(PLACE + PAGE) & (PAGE_ACCESSED | PAGE_DIRTY), 0, "another page")
    take_away(PLACE, pages(3), memory)


def _fresh_frames_are_zero() -> None:
    for number in range(u64(40)):
        length = pages(1 + number * 7 % 50)
        memory = make_at(PLACE, length)
        for index in range(length // 8):
            check_numbered(word(PLACE)[index], 0, "a word of fresh memory", number)
            word(PLACE)[index] = 0xDEAD_BEEF_0000_0000 | number
        take_away(PLACE, length, memory)


def _lease_end() -> None:
    memory = make(pages(4))
    status, lease = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE, 0, 0)
    expect(status, Status.OK, "lease")
    status, leased = invoke(memory, Method.MINT, Right.READ | Right.WRITE, 0, lease)
    expect(status, Status.OK, "mint")
    expect(map_memory(leased, OWN_PROCESS, PLACE | READ | WRITE, 0, pages(4)), Status.OK, "map under the lease")
    expect(map_memory(memory, OWN_PROCESS, PLACE + pages(8) | READ, 0, PAGE), Status.OK, "map outside it")
    word(PLACE)[0] = 5
    expect(unmap(OWN_PROCESS, PLACE + PAGE, PAGE), Status.OK, "cut under the lease")
    status, _ = invoke(lease, Method.LEASE_END)
    expect(status, Status.OK, "end of the lease")
    expect(map_memory(leased, OWN_PROCESS, PLACE + pages(16) | READ, 0, PAGE), Status.REVOKED, "map afterwards")
    for _ in patience():
        if not is_mapped(PLACE) and not is_mapped(PLACE + pages(2)):
            break
        yield_now()
    check(not is_mapped(PLACE) and not is_mapped(PLACE + pages(3)), "a mapping outlived its lease")
    check_equal(word(PLACE + pages(8))[0], 5, "the mapping outside the lease")
    expect(unmap(OWN_PROCESS, PLACE + pages(8), PAGE), Status.OK, "unmap")
    expect(close(leased), Status.OK, "close")
    expect(close(lease), Status.OK, "close")
    expect(close(memory), Status.OK, "close")
    settle()


def _destroy() -> None:
    before = free_frames()
    memory = make_at(PLACE, pages(100))
    expect(map_memory(memory, OWN_PROCESS, PLACE + pages(200) | READ, 0, pages(9)), Status.OK, "map again")
    status, copied = invoke(memory, Method.COPY, Right.READ)
    expect(status, Status.OK, "copy")
    status, _ = invoke(memory, Method.DESTROY)
    expect(status, Status.OK, "destroy")
    for _ in patience():
        if not is_mapped(PLACE) and not is_mapped(PLACE + pages(200)):
            break
        yield_now()
    check(not is_mapped(PLACE) and not is_mapped(PLACE + pages(200)), "a mapping outlived its memory")
    settle()
    status, _ = invoke(copied, Method.MEMORY_SIZE)
    expect(status, Status.DESTROYED, "size of destroyed memory")
    check(free_frames() + _SLACK >= before, "a copy keeps the frames of destroyed memory")
    expect(close(copied), Status.OK, "close")
    expect(close(memory), Status.OK, "close")
    settle()


def _short_copies() -> None:
    """What the kernel copies out ends exactly where the memory does, wherever that is."""
    memory = make_at(PLACE, PAGE)
    status, victim = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, OWN_PROCESS, PLACE, PLACE, 0)
    expect(status, Status.OK, "creation of a thread")
    for room in range(u64(sizeof(ThreadRegisters) + 1)):
        for index in range(u64(PAGE)):
            mem8[PLACE + index] = 0xA5
        status, _ = invoke(victim, Method.THREAD_READ_REGISTERS, PLACE + PAGE - room)
        wanted = Status.OK if room == sizeof(ThreadRegisters) else Status.BAD_ADDRESS
        check_numbered(u64(status), u64(wanted), "copy", room)
        copied: u64 = 0
        while copied < room and mem8[PLACE + PAGE - 1 - copied] != 0xA5:
            copied += 1
        check_numbered(copied, room, "bytes that were copied", room)
        check_numbered(u64(mem8[PLACE + PAGE - 1 - room]), 0xA5, "the byte before", room)
    expect(protect(OWN_PROCESS, PLACE | READ, PAGE), Status.OK, "protect")
    status, _ = invoke(victim, Method.THREAD_READ_REGISTERS, PLACE)
    expect(status, Status.BAD_ADDRESS, "copy to what cannot be written")
    status, _ = invoke(victim, Method.THREAD_READ_REGISTERS, u64(main))
    expect(status, Status.BAD_ADDRESS, "copy over the program")
    status, _ = invoke(victim, Method.THREAD_KILL, 0)
    expect(status, Status.OK, "kill")
    expect(close(victim), Status.OK, "close")
    take_away(PLACE, PAGE, memory)
