"""What the tests of memory share: places, probes, and what must be as before."""
from compiler.prelude import const, ptr, u64
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.objects import Resource
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import check_equal
from userspace.lib.memory import PAGE, create_memory, map_memory, unmap
from userspace.lib.syscall import close, invoke, yield_now

PLACE = const(0x10_0000_0000)           # nothing of the program's own is anywhere near
ACCESS = const(7)                       # the bits of a page's state that say what the program may do


def expect(status: Status, wanted: Status, what: str) -> None:
    check_equal(u64(status), u64(wanted), what)


def make(length: u64, flags: u64 = 0) -> u64:
    status, memory = create_memory(ROOT_ACCOUNT, length, flags)
    expect(status, Status.OK, "creation of memory")
    return memory


def make_at(place: u64, length: u64) -> u64:
    """Memory that is mapped for writing."""
    memory = make(length)
    expect(map_memory(memory, OWN_PROCESS, place | READ | WRITE, 0, length), Status.OK, "map")
    return memory


def take_away(place: u64, length: u64, memory: u64) -> None:
    expect(unmap(OWN_PROCESS, place, length), Status.OK, "unmap")
    expect(close(memory), Status.OK, "close")


def state_of(address: u64) -> u64:
    """What the kernel says of a page, 0 when it is not mapped."""
    status, state = invoke(OWN_PROCESS, Method.PROCESS_PAGE_STATE, address)
    return state if status == Status.OK else 0


def is_mapped(address: u64) -> bool:
    return state_of(address) != 0


def word(address: u64) -> ptr[u64]:
    return ptr[u64](address)


def charged(account: u64, resource: Resource) -> u64:
    status, amount = invoke(account, Method.ACCOUNT_CHARGED, u64(resource))
    expect(status, Status.OK, "charges")
    return amount


def free_frames() -> u64:
    """When everything that has been given up has ended."""
    settle()
    status, count = invoke(INSPECT, Method.INSPECT_FREE_FRAMES)
    expect(status, Status.OK, "free frames")
    return count


def settle() -> None:
    """Waits for the end of what has been given up; then no reference is lost and none is missing."""
    for _ in patience():
        status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
        if status != Status.BUSY:
            expect(status, Status.OK, "walker")
            check_equal(faults, 0, "faults that the walker found")
            return
        yield_now()
    expect(Status.BUSY, Status.OK, "the end of objects")


def pages(count: u64) -> u64:
    return count * PAGE
