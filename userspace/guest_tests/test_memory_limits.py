"""Memory that runs out: limits of accounts, all frames of the machine, and many rounds that lose nothing."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, const, export, u64, wrap_add, wrap_mul, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.objects import Resource
from userspace.guest_tests.memory_tools import (
    PLACE,
    charged,
    expect,
    free_frames,
    make,
    make_at,
    pages,
    settle,
    take_away,
    word,
)
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.lib.memory import LARGE_PAGE, PAGE, create_memory, map_memory, unmap
from userspace.lib.syscall import close, invoke

_CASES = const(6)
_FRAMES = const(100)
_HANDLES = const(512)
_ROUNDS = const(3000)
_SCATTERED_ROUNDS = const(400)
_PLACES = const(64)
_SLACK = const(40)                      # frames in the caches of four CPUs and in half-filled slabs
_MULTIPLIER = const(6364136223846793005)

_handles: array[u64, _HANDLES] = zeroed()
_state: u64 = 1


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("frames_of_an_account")
    _frames_of_an_account()
    begin("tables_of_an_account")
    _tables_of_an_account()
    begin("all_frames")
    _all_frames()
    begin("all_frames_by_pages")
    _all_frames_by_pages()
    begin("rounds")
    _rounds()
    begin("scattered_rounds")
    _scattered_rounds()
    end()


def _make_account(frames: u64) -> u64:
    status, account = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_ACCOUNT)
    expect(status, Status.OK, "account")
    status, _ = invoke(account, Method.ACCOUNT_SET_LIMIT, u64(Resource.FRAMES), frames)
    expect(status, Status.OK, "limit of frames")
    status, _ = invoke(account, Method.ACCOUNT_SET_LIMIT, u64(Resource.OBJECTS), 1000)
    expect(status, Status.OK, "limit of objects")
    return account


def _frames_of_an_account() -> None:
    account = _make_account(_FRAMES)
    status, most = create_memory(account, pages(_FRAMES - 1))
    expect(status, Status.OK, "as much as there is, but one")
    status, _ = create_memory(account, pages(2))
    expect(status, Status.OVER_LIMIT, "one too many")
    status, last = create_memory(account, PAGE)
    expect(status, Status.OK, "the last one")
    check_equal(charged(account, Resource.FRAMES), _FRAMES, "charged frames")
    expect(close(most), Status.OK, "close")
    settle()
    check_equal(charged(account, Resource.FRAMES), 1, "charged frames after a close")
    status, most = create_memory(account, pages(_FRAMES - 1))
    expect(status, Status.OK, "the same again")
    expect(close(most), Status.OK, "close")
    expect(close(last), Status.OK, "close")
    settle()
    check_equal(charged(account, Resource.FRAMES), 0, "charged frames at the end")
    expect(close(account), Status.OK, "close")
    settle()


def _tables_of_an_account() -> None:
    """A process whose account has no frames left maps where its page tables are, and nowhere else."""
    name = b"poor"
    account = _make_account(_FRAMES)
    status, process = invoke(
        account, Method.ACCOUNT_CREATE_PROCESS, u64(addr(name[0])), u64(len(name)), OWN_PROCESS
    )
    expect(status, Status.OK, "process")
    memory = make(pages(2))
    expect(map_memory(memory, process, PLACE | READ, 0, PAGE), Status.OK, "map")
    left = _FRAMES - charged(account, Resource.FRAMES)
    status, filler = create_memory(account, pages(left))
    expect(status, Status.OK, "the rest of the frames")
    objects = charged(account, Resource.OBJECTS)
    expect(map_memory(memory, process, PLACE + LARGE_PAGE | READ, 0, PAGE), Status.OVER_LIMIT, "map elsewhere")
    check_equal(charged(account, Resource.FRAMES), _FRAMES, "charged frames")
    check_equal(charged(account, Resource.OBJECTS), objects, "charged objects")
    expect(map_memory(memory, process, PLACE + PAGE | READ, PAGE, PAGE), Status.OK, "map beside")
    expect(close(process), Status.OK, "close")
    expect(close(filler), Status.OK, "close")
    settle()
    check_equal(charged(account, Resource.FRAMES), 0, "frames of a process that has ended")
    check_equal(charged(account, Resource.OBJECTS), 0, "objects of a process that has ended")
    expect(close(account), Status.OK, "close")
    expect(close(memory), Status.OK, "close")
    settle()


def _fill(length: u64) -> u64:
    """Takes memory until there is none. Returns how many."""
    count: u64 = 0
    while count < _HANDLES:
        status, memory = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_MEMORY, length, 0)
        if status != Status.OK:
            check(status == Status.NO_MEMORY or status == Status.OVER_LIMIT, "how memory ends")
            break
        _handles[count] = memory
        count += 1
    return count


def _give_back(count: u64) -> None:
    for index in range(count):
        check_numbered(u64(close(_handles[index])), u64(Status.OK), "close", index)


def _all_frames() -> None:
    before = free_frames()
    count = _fill(4 * LARGE_PAGE)
    check(count > 4 and count < _HANDLES, "how much memory there is")
    expect(close(_handles[count - 1]), Status.OK, "close")
    settle()
    status, _handles[count - 1] = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_MEMORY, LARGE_PAGE, 0)
    expect(status, Status.OK, "memory after some was given back")
    _give_back(count)
    check(free_frames() + _SLACK >= before, "frames were lost")
    check(before + _SLACK >= free_frames(), "frames were found")


def _all_frames_by_pages() -> None:
    """Large pieces first, then smaller ones, to the last page; then a page is given back and found again."""
    before = free_frames()
    count = _fill(4 * LARGE_PAGE)
    large = count
    length: u64 = LARGE_PAGE
    while length != 0:
        while count < _HANDLES:
            status, memory = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_MEMORY, length, 0)
            if status != Status.OK:
                break
            _handles[count] = memory
            count += 1
        length = length // 2 & ~u64(PAGE - 1)
    check(count > large and count < _HANDLES, "pages to the last one")
    expect(close(_handles[count - 1]), Status.OK, "close")
    settle()
    status, _handles[count - 1] = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_MEMORY, PAGE, 0)
    expect(status, Status.OK, "the page that was given back")
    _give_back(count)
    check(free_frames() + _SLACK >= before, "frames were lost")


def _rounds() -> None:
    before: u64 = 0
    for number in range(u64(_ROUNDS)):
        if number == 100:
            before = free_frames()
        memory = make_at(PLACE, pages(1 + number % 3))
        word(PLACE)[number % 512] = number
        take_away(PLACE, pages(1 + number % 3), memory)
    check(free_frames() + _SLACK >= before, "frames were lost")


def _random() -> u64:
    global _state
    _state = wrap_add(wrap_mul(_state, _MULTIPLIER), 1)
    return _state >> 33


def _scattered_rounds() -> None:
    """Pieces of many sizes at many places, in any order."""
    objects = charged(ROOT_ACCOUNT, Resource.OBJECTS)
    lengths: array[u64, _PLACES] = zeroed()
    for number in range(u64(_SCATTERED_ROUNDS)):
        index = _random() % _PLACES
        place = PLACE + index * 2 * LARGE_PAGE
        if lengths[index] == 0:
            lengths[index] = pages(1 + _random() % 200)
            _handles[index] = make(lengths[index])
            status = map_memory(_handles[index], OWN_PROCESS, place | READ | WRITE, 0, lengths[index])
            check_numbered(u64(status), u64(Status.OK), "map", number)
            word(place + lengths[index] - 8)[0] = index
        else:
            check_numbered(word(place + lengths[index] - 8)[0], index, "the last word", number)
            take_away(place, lengths[index], _handles[index])
            lengths[index] = 0
    for index in range(u64(_PLACES)):
        if lengths[index] != 0:
            expect(unmap(OWN_PROCESS, PLACE + index * 2 * LARGE_PAGE, lengths[index]), Status.OK, "unmap")
            expect(close(_handles[index]), Status.OK, "close")
    settle()
    check_equal(charged(ROOT_ACCOUNT, Resource.OBJECTS), objects, "objects were lost")
