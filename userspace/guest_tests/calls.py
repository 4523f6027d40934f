"""Fresh objects of every kind, and a good call of every operation, for tests that walk the method table.

A module's data: of_kind holds a handle with every right for each kind, 0 where this can make none.
"""
from collections.abc import Callable

from compiler.prelude import addr, array, const, copy, ptr, struct, u8, u64, zeroed
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.interrupt import Source
from kernel.abi.layout import USER_LOWEST
from kernel.abi.memory import READ
from kernel.abi.methods import MAX_ARGUMENTS, METHOD_NUMBERS, Argument, Method
from kernel.abi.objects import OBJECT_KINDS, RESOURCES, ObjectKind, Resource
from kernel.abi.rights import ALL_RIGHTS
from userspace.guest_tests import method_table
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import check_numbered
from userspace.lib.syscall import close, invoke, yield_now

_PAGE = const(4096)
_PLACE = const(0x4000_0000)
_SNAPSHOT_MASK = const(0x00FF_FFFF_FFFF_FFFF)
_CHILD_HANDLES = const(250)
_IDLE_PORT = const(0x80)                # writing to it does nothing but take time


@struct
class Call:
    handle: u64 = 0
    method: u64 = 0
    arguments: array[u64, MAX_ARGUMENTS]


of_kind: array[u64, OBJECT_KINDS] = zeroed()
foreign_handle: u64 = 0                 # of the child's
stale_handle: u64 = 0
buffer: array[u8, _PAGE] = zeroed(align=_PAGE)


def grow_table() -> None:
    """So that no later call has to, and be charged for it."""
    last: array[u64, 150] = zeroed()
    for index in range(len(last)):
        last[index] = copy_handle(INSPECT, 0)
    for handle in last:
        _ = close(handle)


def each_method(attempt: Callable[[u64], None]) -> None:
    """Tries something on each operation, with fresh objects that are gone after it."""
    for method in range(u64(METHOD_NUMBERS)):
        if method_table.known[method]:
            walk(method)
            before = snapshot()
            make_objects()
            if target(method) != 0:
                attempt(method)
            drop_objects()
            wait_for(before)
            walk(method)
            check_numbered(snapshot(), before, "what is left after the operation", method)


def invoke_call(call: ptr[Call]) -> tuple[Status, u64]:
    return invoke(
        call.handle, call.method, call.arguments[0], call.arguments[1], call.arguments[2], call.arguments[3]
    )


def good_call(method: u64) -> Call:
    """A call that nothing in the table speaks against."""
    call = Call(handle=target(method), method=method)
    for place in range(u64(method_table.counts[method])):
        argument = u64(method_table.argument(method, place))
        match argument:
            case Argument.NUMBER:
                call.arguments[place] = _number(method, place)
            case Argument.ADDRESS:
                call.arguments[place] = u64(addr(buffer))
            case Argument.ANY_HANDLE:
                call.arguments[place] = of_kind[u64(ObjectKind.LEASE)]
            case _:
                call.arguments[place] = of_kind[u64(method_table.argument_kinds[argument])]
    return copy(call)


def _number(method: u64, place: u64) -> u64:
    match method:
        case Method.ACCOUNT_CREATE_PROCESS:
            return 5            # longer than what is left of a page at the bad pointers
        case Method.ACCOUNT_CREATE_MEMORY:
            return _PAGE if place == 0 else u64(0)
        case Method.ACCOUNT_CREATE_THREAD:
            return USER_LOWEST
        case Method.IO_PORTS_READ | Method.IO_PORTS_WRITE:
            return 1 if place == 1 else u64(0)
        case Method.ACCOUNT_SET_LIMIT | Method.ACCOUNT_SET_SOFT_LIMIT:
            return 20 if place == 1 else u64(Resource.OBJECTS)
        case Method.MEMORY_MAP:
            return _PAGE if place == 3 else (_PLACE | READ if place == 1 else u64(0))
        case Method.NOTIFICATION_SIGNAL | Method.PROCESS_NOTIFY_EXIT | Method.THREAD_NOTIFY_EXIT:
            return 1
        case Method.ACCOUNT_NOTIFY_SOFT_LIMIT | Method.INTERRUPT_BIND:
            return 1
        case _:
            return 0


def is_harmless(method: u64) -> bool:
    """Whether a good call of it leaves the machine, and the test's own hooks, as they are."""
    return method_table.kinds[method] != ObjectKind.SYSTEM


def makes_handle(method: u64) -> bool:
    is_creation = method == Method.ACCOUNT_CREATE_ACCOUNT or method >= Method.ACCOUNT_CREATE_PROCESS
    return method == Method.COPY or method == Method.MINT or (
        is_creation and method_table.kinds[method] == ObjectKind.ACCOUNT
    )


def target(method: u64) -> u64:
    """A handle with every right on an object of the operation's kind; 0 when this test can make none."""
    kind = u64(method_table.kinds[method])
    return of_kind[kind if kind != ObjectKind.NONE else u64(ObjectKind.NOTIFICATION)]


def make_objects() -> None:
    global foreign_handle, stale_handle
    child = make(Method.ACCOUNT_CREATE_PROCESS, u64(addr(buffer)), 5, OWN_PROCESS)
    account = make(Method.ACCOUNT_CREATE_ACCOUNT, 0, 0, 0)
    for resource in range(u64(RESOURCES)):
        _ = invoke(account, Method.ACCOUNT_SET_LIMIT, resource, 100)
    of_kind[u64(ObjectKind.PROCESS)] = child
    of_kind[u64(ObjectKind.ACCOUNT)] = account
    of_kind[u64(ObjectKind.THREAD)] = make(Method.ACCOUNT_CREATE_THREAD, child, USER_LOWEST, 0)
    status, ports = invoke(SYSTEM, Method.SYSTEM_CREATE_IO_PORTS, ROOT_ACCOUNT, _IDLE_PORT, 1)
    check_numbered(u64(status), Status.OK, "creation of ports", 0)
    of_kind[u64(ObjectKind.IO_PORTS)] = ports
    of_kind[u64(ObjectKind.MEMORY)] = make(Method.ACCOUNT_CREATE_MEMORY, _PAGE, 0, 0)
    of_kind[u64(ObjectKind.NOTIFICATION)] = make(Method.ACCOUNT_CREATE_NOTIFICATION, 0, 0, 0)
    of_kind[u64(ObjectKind.LEASE)] = make(Method.ACCOUNT_CREATE_LEASE, 0, 0, 0)
    _, interrupt = invoke(SYSTEM, Method.SYSTEM_CREATE_INTERRUPT, ROOT_ACCOUNT, 0, Source.MESSAGE)
    of_kind[u64(ObjectKind.INTERRUPT)] = interrupt
    of_kind[u64(ObjectKind.CHANNEL)] = make(Method.ACCOUNT_CREATE_CHANNEL, 0, 0, 0)
    status, console = invoke(
        SYSTEM, Method.SYSTEM_TAKE_CONSOLE, ROOT_ACCOUNT, of_kind[u64(ObjectKind.NOTIFICATION)], 1
    )
    check_numbered(u64(status), Status.OK, "taking of the console", 0)
    of_kind[u64(ObjectKind.CONSOLE)] = console
    of_kind[u64(ObjectKind.SYSTEM)] = SYSTEM
    of_kind[u64(ObjectKind.INSPECT)] = INSPECT
    stale_handle = copy_handle(INSPECT, 0)
    _ = close(stale_handle)
    # More than this process has handles of its own, so that the last one names nothing here.
    for _ in range(_CHILD_HANDLES):
        _, foreign_handle = invoke(INSPECT, Method.COPY_TO, child, 0)


def drop_objects() -> None:
    _, _ = invoke(of_kind[u64(ObjectKind.PROCESS)], Method.PROCESS_KILL, 0)
    for kind in range(u64(OBJECT_KINDS)):
        if kind != ObjectKind.SYSTEM and kind != ObjectKind.INSPECT and of_kind[kind] != 0:
            _ = close(of_kind[kind])
        of_kind[kind] = 0


def make(method: u64, first: u64, second: u64, third: u64) -> u64:
    status, handle = invoke(ROOT_ACCOUNT, method, first, second, third)
    check_numbered(u64(status), Status.OK, "creation of an object for", method)
    return handle


def copy_handle(handle: u64, rights: u64) -> u64:
    status, made = invoke(handle, Method.COPY, rights)
    check_numbered(u64(status), Status.OK, "copy with rights", rights)
    return made


def revoked(handle: u64, method: u64) -> u64:
    """A capability with every right under a lease that has ended."""
    lease = make(Method.ACCOUNT_CREATE_LEASE, 0, 0, 0)
    status, minted = invoke(handle, Method.MINT, ALL_RIGHTS, 0, lease)
    check_numbered(u64(status), Status.OK, "mint under a lease for", method)
    _, _ = invoke(lease, Method.LEASE_END)
    _ = close(lease)
    return minted


def snapshot() -> u64:
    """A number that tells whether objects, or charges, have come or gone."""
    total: u64 = 0
    for kind in range(u64(OBJECT_KINDS)):
        _, live = invoke(INSPECT, Method.INSPECT_COUNT_OBJECTS, kind)
        total = total * 31 + live & _SNAPSHOT_MASK
    for resource in range(u64(RESOURCES)):
        _, charged = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, resource)
        total = total * 31 + charged & _SNAPSHOT_MASK
    return total


def wait_for(counts: u64) -> None:
    """A killed thread ends when its turn comes."""
    for _ in patience():
        if snapshot() == counts:
            return
        yield_now()


def walk(method: u64) -> None:
    """Waits for the end of what has been given up."""
    status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    while status == Status.BUSY:
        yield_now()
        status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    check_numbered(faults, 0, "faults that the walker found around", method)
