"""A page of 1 GiB: mapped as one, split down to a small page in its middle, and taken away. Needs 4 GiB of memory."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import const, export, mem64, u64
from kernel.abi.bootinfo import OWN_PROCESS
from kernel.abi.errors import Status
from kernel.abi.memory import CONTIGUOUS, READ, WRITE
from userspace.guest_tests.memory_tools import PLACE, expect, make, settle, state_of, take_away
from userspace.guest_tests.report import begin, check_equal, check_numbered, end, plan
from userspace.lib.memory import LARGE_PAGE, PAGE, map_memory, protect, unmap

_HUGE_PAGE = const(1 << 30)
_LARGE_PAGES = const(_HUGE_PAGE // LARGE_PAGE)


@export("main")
def main(ring: u64) -> u64:
    plan(1)
    begin("huge_page")
    memory = make(_HUGE_PAGE, CONTIGUOUS)
    expect(map_memory(memory, OWN_PROCESS, PLACE | READ | WRITE, 0, _HUGE_PAGE), Status.OK, "map")
    check_equal(_size_of(PLACE + PAGE), _HUGE_PAGE, "size of a page")
    for index in range(u64(_LARGE_PAGES)):
        mem64[PLACE + index * LARGE_PAGE + 8] = index
    middle: u64 = PLACE + _HUGE_PAGE // 2 + 5 * PAGE
    mem64[middle + PAGE] = 78
    expect(unmap(OWN_PROCESS, middle, PAGE), Status.OK, "unmap from the middle")
    check_equal(state_of(middle), 0, "the page that was unmapped")
    check_equal(_size_of(PLACE), LARGE_PAGE, "size of a page far away")
    check_equal(_size_of(middle + PAGE), PAGE, "size of the next page")
    check_equal(mem64[middle + PAGE], 78, "word in the next page")
    for index in range(u64(_LARGE_PAGES)):
        check_numbered(mem64[PLACE + index * LARGE_PAGE + 8], index, "word", index)
    expect(protect(OWN_PROCESS, PLACE | READ, LARGE_PAGE), Status.OK, "protect the first large page")
    expect(map_memory(memory, OWN_PROCESS, middle | READ, 0, PAGE), Status.OK, "map into the gap")
    take_away(PLACE, _HUGE_PAGE, memory)
    settle()
    end()


def _size_of(address: u64) -> u64:
    return state_of(address) & ~u64(PAGE - 1)
