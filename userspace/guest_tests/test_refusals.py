"""Every operation of the method table: allowed with the rights that it needs, refused without each one of them, and
refused for handles of the wrong kind, stale, forged, foreign and revoked ones, and for bad pointers.

Everything is made from the table: a new operation is tested by being in it. Each operation gets fresh objects. After
each refusal the kernel's counts are what they were and the walker finds nothing.
"""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, const, copy, export, ptr, struct, u8, u64, zeroed
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.layout import FIRST_STACK_END, USER_END, USER_LOWEST
from kernel.abi.memory import READ
from kernel.abi.methods import MAX_ARGUMENTS, METHOD_NUMBERS, Argument, Method
from kernel.abi.objects import OBJECT_KINDS, RESOURCES, ObjectKind, Resource
from kernel.abi.rights import ALL_RIGHTS
from userspace.guest_tests import method_table
from userspace.guest_tests.report import begin, check_numbered, end, plan
from userspace.lib.syscall import close, invoke, yield_now

_CASES = const(9)
_PAGE = const(4096)
_KERNEL = const(0xFFFF_8000_0000_0000)
_LAST = const(0xFFFF_FFFF_FFFF_FFFF)
_PLACE = const(0x4000_0000)
_PATIENCE = const(10_000)
_SNAPSHOT_MASK = const(0x00FF_FFFF_FFFF_FFFF)
_GENERATION = const(1 << 32)
_CHILD_HANDLES = const(250)

# Invoked with every right, these would do more to the machine or to this test than a test of refusals should see.
_NOT_ALLOWED_HERE = const(1 << ObjectKind.SYSTEM)


@struct
class Call:
    handle: u64 = 0
    method: u64 = 0
    arguments: array[u64, MAX_ARGUMENTS]


_of_kind: array[u64, OBJECT_KINDS] = zeroed()   # a handle with every right for each kind, 0 where there is none
_foreign: u64 = 0                       # a handle of the child's
_stale: u64 = 0
_buffer: array[u8, _PAGE] = zeroed(align=_PAGE)


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    _grow_table()
    begin("unknown_operations")
    _unknown_operations()
    begin("rights")
    _each_method(_try_rights)
    begin("kinds")
    _each_method(_try_kinds)
    begin("handles")
    _each_method(_try_handles)
    begin("leases")
    _each_method(_try_lease)
    begin("argument_handles")
    _each_method(_try_argument_handles)
    begin("pointers")
    _each_method(_try_pointers)
    begin("spare_arguments")
    _each_method(_try_spare_arguments)
    begin("allowed")
    _each_method(_try_allowed)
    end()


def _grow_table() -> None:
    """So that no later call has to, and be charged for it."""
    last: array[u64, 150] = zeroed()
    for index in range(len(last)):
        last[index] = _copy(INSPECT, 0)
    for handle in last:
        _ = close(handle)


def _each_method(attempt: Callable[[u64], None]) -> None:
    """With fresh objects for each operation, which are gone after it."""
    for method in range(u64(METHOD_NUMBERS)):
        if method_table.known[method]:
            _walk(method)
            before = _snapshot()
            _make_objects()
            if _target(method) != 0:
                attempt(method)
            _drop_objects()
            _wait_for(before)
            _walk(method)
            check_numbered(_snapshot(), before, "what is left after the operation", method)


def _unknown_operations() -> None:
    for method in range(u64(METHOD_NUMBERS + 16)):
        if method >= METHOD_NUMBERS or not method_table.known[method]:
            _refuse_number(method)
    _refuse_number(_GENERATION | Method.IDENTIFY)
    _refuse_number(_LAST)


def _refuse_number(method: u64) -> None:
    status, _ = invoke(ROOT_ACCOUNT, method)
    check_numbered(u64(status), Status.BAD_OPERATION, "an operation that does not exist", method)


def _try_rights(method: u64) -> None:
    call = _good_call(method)
    for bit in range(u64(32)):
        right = u64(1) << bit
        if u64(method_table.rights[method]) & right != 0:
            call.handle = _copy(_target(method), ALL_RIGHTS & ~right)
            _refuse(addr(call), Status.NO_RIGHT, "without a right")
            _ = close(call.handle)


def _try_kinds(method: u64) -> None:
    call = _good_call(method)
    wanted = u64(method_table.kinds[method])
    for kind in range(u64(OBJECT_KINDS)):
        if wanted != ObjectKind.NONE and kind != wanted and _of_kind[kind] != 0:
            call.handle = _of_kind[kind]
            _refuse(addr(call), Status.BAD_KIND, "on another kind of object")


def _try_handles(method: u64) -> None:
    call = _good_call(method)
    right = call.handle
    forged: array[u64, 12] = array(
        0, 1, _LAST, 1 << 63, _GENERATION, _KERNEL | 1, _stale, _foreign,
        right & (_GENERATION - 1), right + _GENERATION, right + 2 * _GENERATION, right | 0x0010_0000,
    )
    for handle in forged:
        call.handle = handle
        _refuse(addr(call), Status.BAD_HANDLE, "on a handle that names nothing")


def _try_lease(method: u64) -> None:
    call = _good_call(method)
    call.handle = _revoked(_target(method), method)
    _refuse(addr(call), Status.REVOKED, "on a capability whose lease has ended")
    _ = close(call.handle)


def _try_argument_handles(method: u64) -> None:
    for place in range(u64(method_table.counts[method])):
        argument = u64(method_table.argument(method, place))
        if argument >= Argument.ANY_HANDLE:
            _try_argument_handle(method, place, argument)


def _try_argument_handle(method: u64, place: u64, argument: u64) -> None:
    call = _good_call(method)
    right = call.arguments[place]
    if not method_table.may_be_zero[argument]:
        _refuse_argument(addr(call), place, 0, Status.BAD_HANDLE)
    forged: array[u64, 5] = array(1, _LAST, _stale, _foreign, right + _GENERATION)
    for handle in forged:
        _refuse_argument(addr(call), place, handle, Status.BAD_HANDLE)
    if right == 0:
        return
    if method_table.argument_kinds[argument] != ObjectKind.NONE:
        _refuse_argument(addr(call), place, SYSTEM, Status.BAD_KIND)
    needed = u64(method_table.argument_rights[argument])
    for bit in range(u64(32)):
        if needed & (u64(1) << bit) != 0:
            weak = _copy(right, ALL_RIGHTS & ~(u64(1) << bit))
            _refuse_argument(addr(call), place, weak, Status.NO_RIGHT)
            _ = close(weak)
    revoked = _revoked(right, method)
    _refuse_argument(addr(call), place, revoked, Status.REVOKED)
    _ = close(revoked)


def _try_pointers(method: u64) -> None:
    bad: array[u64, 12] = array(
        0, 1, USER_LOWEST - 1, USER_END - 1, USER_END, USER_END + _PAGE, 0x8000_0000_0000, _KERNEL, _LAST, _LAST - 4,
        FIRST_STACK_END - 1, 0x1234_5678_9000,
    )
    for place in range(u64(method_table.counts[method])):
        if method_table.argument(method, place) == Argument.ADDRESS:
            call = _good_call(method)
            for address in bad:
                _refuse_argument(addr(call), place, address, Status.BAD_ADDRESS)


def _try_spare_arguments(method: u64) -> None:
    for place in range(u64(method_table.counts[method]), u64(MAX_ARGUMENTS)):
        call = _good_call(method)
        _refuse_argument(addr(call), place, 1, Status.BAD_ARGUMENT)


def _try_allowed(method: u64) -> None:
    """With the rights that it needs and no others it gets past every check that the table states."""
    if _NOT_ALLOWED_HERE >> u64(method_table.kinds[method]) & 1 != 0:
        return
    call = _good_call(method)
    call.handle = _copy(_target(method), u64(method_table.rights[method]))
    status, value = _invoke(addr(call))
    if status != Status.OK:
        if method_table.errors[method] >> u64(status) & 1 == 0:
            check_numbered(u64(status), Status.OK, "an error that the table does not state", method)
    elif _makes_handle(method):
        check_numbered(u64(close(value)), Status.OK, "close of the handle that it made", method)
    _ = close(call.handle)


def _refuse_argument(call: ptr[Call], place: u64, value: u64, expected: Status) -> None:
    right = call.arguments[place]
    call.arguments[place] = value
    _refuse(call, expected, "with a bad argument")
    call.arguments[place] = right


def _refuse(call: ptr[Call], expected: Status, what: str) -> None:
    """The call fails as expected, and changes nothing."""
    _walk(call.method)
    before = _snapshot()
    status, _ = _invoke(call)
    check_numbered(u64(status), u64(expected), what, call.method)
    check_numbered(_snapshot(), before, "the kernel's counts after a refusal", call.method)
    _walk(call.method)


def _invoke(call: ptr[Call]) -> tuple[Status, u64]:
    return invoke(
        call.handle, call.method, call.arguments[0], call.arguments[1], call.arguments[2], call.arguments[3]
    )


def _good_call(method: u64) -> Call:
    """A call that nothing in the table speaks against."""
    call = Call(handle=_target(method), method=method)
    for place in range(u64(method_table.counts[method])):
        argument = u64(method_table.argument(method, place))
        match argument:
            case Argument.NUMBER:
                call.arguments[place] = _number(method, place)
            case Argument.ADDRESS:
                call.arguments[place] = u64(addr(_buffer))
            case Argument.ANY_HANDLE:
                call.arguments[place] = _of_kind[u64(ObjectKind.LEASE)]
            case _:
                call.arguments[place] = _of_kind[u64(method_table.argument_kinds[argument])]
    return copy(call)


def _number(method: u64, place: u64) -> u64:
    match method:
        case Method.ACCOUNT_CREATE_PROCESS:
            return 5
        case Method.ACCOUNT_CREATE_MEMORY:
            return _PAGE if place == 0 else u64(0)
        case Method.ACCOUNT_CREATE_THREAD:
            return USER_LOWEST
        case Method.ACCOUNT_SET_LIMIT | Method.ACCOUNT_SET_SOFT_LIMIT:
            return 20 if place == 1 else u64(Resource.OBJECTS)
        case Method.MEMORY_MAP:
            return _PAGE if place == 3 else (_PLACE | READ if place == 1 else u64(0))
        case Method.NOTIFICATION_SIGNAL | Method.PROCESS_NOTIFY_EXIT | Method.THREAD_NOTIFY_EXIT:
            return 1
        case Method.ACCOUNT_NOTIFY_SOFT_LIMIT:
            return 1
        case _:
            return 0


def _makes_handle(method: u64) -> bool:
    is_creation = method == Method.ACCOUNT_CREATE_ACCOUNT or method >= Method.ACCOUNT_CREATE_PROCESS
    return method == Method.COPY or method == Method.MINT or (
        is_creation and method_table.kinds[method] == ObjectKind.ACCOUNT
    )


def _target(method: u64) -> u64:
    """A handle with every right on an object of the operation's kind; 0 when this test can make none."""
    kind = u64(method_table.kinds[method])
    return _of_kind[kind if kind != ObjectKind.NONE else u64(ObjectKind.NOTIFICATION)]


def _make_objects() -> None:
    global _foreign, _stale
    child = _make(Method.ACCOUNT_CREATE_PROCESS, u64(addr(_buffer)), 5, OWN_PROCESS)
    account = _make(Method.ACCOUNT_CREATE_ACCOUNT, 0, 0, 0)
    for resource in range(u64(RESOURCES)):
        _ = invoke(account, Method.ACCOUNT_SET_LIMIT, resource, 100)
    _of_kind[u64(ObjectKind.PROCESS)] = child
    _of_kind[u64(ObjectKind.ACCOUNT)] = account
    _of_kind[u64(ObjectKind.THREAD)] = _make(Method.ACCOUNT_CREATE_THREAD, child, USER_LOWEST, 0)
    _of_kind[u64(ObjectKind.MEMORY)] = _make(Method.ACCOUNT_CREATE_MEMORY, _PAGE, 0, 0)
    _of_kind[u64(ObjectKind.NOTIFICATION)] = _make(Method.ACCOUNT_CREATE_NOTIFICATION, 0, 0, 0)
    _of_kind[u64(ObjectKind.LEASE)] = _make(Method.ACCOUNT_CREATE_LEASE, 0, 0, 0)
    _of_kind[u64(ObjectKind.SYSTEM)] = SYSTEM
    _of_kind[u64(ObjectKind.INSPECT)] = INSPECT
    _stale = _copy(INSPECT, 0)
    _ = close(_stale)
    # More than this process has handles of its own, so that the last one names nothing here.
    for _ in range(_CHILD_HANDLES):
        _, _foreign = invoke(INSPECT, Method.COPY_TO, child, 0)


def _drop_objects() -> None:
    _, _ = invoke(_of_kind[u64(ObjectKind.PROCESS)], Method.PROCESS_KILL, 0)
    for kind in range(u64(OBJECT_KINDS)):
        if kind != ObjectKind.SYSTEM and kind != ObjectKind.INSPECT and _of_kind[kind] != 0:
            _ = close(_of_kind[kind])
        _of_kind[kind] = 0


def _make(method: u64, first: u64, second: u64, third: u64) -> u64:
    status, handle = invoke(ROOT_ACCOUNT, method, first, second, third)
    check_numbered(u64(status), Status.OK, "creation of an object for", method)
    return handle


def _copy(handle: u64, rights: u64) -> u64:
    status, made = invoke(handle, Method.COPY, rights)
    check_numbered(u64(status), Status.OK, "copy with rights", rights)
    return made


def _revoked(handle: u64, method: u64) -> u64:
    """A capability with every right under a lease that has ended."""
    lease = _make(Method.ACCOUNT_CREATE_LEASE, 0, 0, 0)
    status, minted = invoke(handle, Method.MINT, ALL_RIGHTS, 0, lease)
    check_numbered(u64(status), Status.OK, "mint under a lease for", method)
    _, _ = invoke(lease, Method.LEASE_END)
    _ = close(lease)
    return minted


def _snapshot() -> u64:
    """A number that tells whether objects, or charges, have come or gone."""
    total: u64 = 0
    for kind in range(u64(OBJECT_KINDS)):
        _, live = invoke(INSPECT, Method.INSPECT_COUNT_OBJECTS, kind)
        total = total * 31 + live & _SNAPSHOT_MASK
    for resource in range(u64(RESOURCES)):
        _, charged = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, resource)
        total = total * 31 + charged & _SNAPSHOT_MASK
    return total


def _wait_for(counts: u64) -> None:
    """A killed thread ends when its turn comes."""
    for _ in range(_PATIENCE):
        if _snapshot() == counts:
            return
        yield_now()


def _walk(method: u64) -> None:
    """Waits for the end of what has been given up."""
    status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    while status == Status.BUSY:
        yield_now()
        status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    check_numbered(faults, 0, "faults that the walker found around", method)
