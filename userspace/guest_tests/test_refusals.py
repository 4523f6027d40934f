"""Every operation of the method table: allowed with the rights that it needs, refused without each one of them, and
refused for handles of the wrong kind, stale, forged, foreign and revoked ones, and for bad pointers.

Everything is made from the table: a new operation is tested by being in it. Each operation gets fresh objects. After
each refusal the kernel's counts are what they were and the walker finds nothing.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, const, export, ptr, u64
from kernel.abi.bootinfo import ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.layout import FIRST_STACK_END, USER_END, USER_LOWEST
from kernel.abi.methods import MAX_ARGUMENTS, METHOD_NUMBERS, Argument, Method
from kernel.abi.objects import OBJECT_KINDS, ObjectKind
from kernel.abi.rights import ALL_RIGHTS
from userspace.guest_tests import calls, method_table
from userspace.guest_tests.calls import (
    Call,
    copy_handle,
    each_method,
    good_call,
    grow_table,
    invoke_call,
    is_harmless,
    makes_handle,
    of_kind,
    revoked,
    snapshot,
    target,
    walk,
)
from userspace.guest_tests.report import begin, check_numbered, end, plan
from userspace.lib.syscall import close, invoke

_CASES = const(9)
_PAGE = const(4096)
_KERNEL = const(0xFFFF_8000_0000_0000)
_LAST = const(0xFFFF_FFFF_FFFF_FFFF)
_GENERATION = const(1 << 32)


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    grow_table()
    begin("unknown_operations")
    _unknown_operations()
    begin("rights")
    each_method(_try_rights)
    begin("kinds")
    each_method(_try_kinds)
    begin("handles")
    each_method(_try_handles)
    begin("leases")
    each_method(_try_lease)
    begin("argument_handles")
    each_method(_try_argument_handles)
    begin("pointers")
    each_method(_try_pointers)
    begin("spare_arguments")
    each_method(_try_spare_arguments)
    begin("allowed")
    each_method(_try_allowed)
    end()


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
    call = good_call(method)
    for bit in range(u64(32)):
        right = u64(1) << bit
        if u64(method_table.rights[method]) & right != 0:
            call.handle = copy_handle(target(method), ALL_RIGHTS & ~right)
            _refuse(addr(call), Status.NO_RIGHT, "without a right")
            _ = close(call.handle)


def _try_kinds(method: u64) -> None:
    call = good_call(method)
    wanted = u64(method_table.kinds[method])
    for kind in range(u64(OBJECT_KINDS)):
        if wanted != ObjectKind.NONE and kind != wanted and of_kind[kind] != 0:
            call.handle = of_kind[kind]
            _refuse(addr(call), Status.BAD_KIND, "on another kind of object")


def _try_handles(method: u64) -> None:
    call = good_call(method)
    right = call.handle
    forged: array[u64, 12] = array(
        0, 1, _LAST, 1 << 63, _GENERATION, _KERNEL | 1, calls.stale_handle, calls.foreign_handle,
        right & (_GENERATION - 1), right + _GENERATION, right + 2 * _GENERATION, right | 0x0010_0000,
    )
    for handle in forged:
        call.handle = handle
        _refuse(addr(call), Status.BAD_HANDLE, "on a handle that names nothing")


def _try_lease(method: u64) -> None:
    call = good_call(method)
    call.handle = revoked(target(method), method)
    _refuse(addr(call), Status.REVOKED, "on a capability whose lease has ended")
    _ = close(call.handle)


def _try_argument_handles(method: u64) -> None:
    for place in range(u64(method_table.counts[method])):
        argument = u64(method_table.argument(method, place))
        if argument >= Argument.ANY_HANDLE:
            _try_argument_handle(method, place, argument)


def _try_argument_handle(method: u64, place: u64, argument: u64) -> None:
    call = good_call(method)
    right = call.arguments[place]
    if not method_table.may_be_zero[argument]:
        _refuse_argument(addr(call), place, 0, Status.BAD_HANDLE)
    forged: array[u64, 5] = array(1, _LAST, calls.stale_handle, calls.foreign_handle, right + _GENERATION)
    for handle in forged:
        _refuse_argument(addr(call), place, handle, Status.BAD_HANDLE)
    if right == 0:
        return
    if method_table.argument_kinds[argument] != ObjectKind.NONE:
        _refuse_argument(addr(call), place, SYSTEM, Status.BAD_KIND)
    needed = u64(method_table.argument_rights[argument])
    for bit in range(u64(32)):
        if needed & (u64(1) << bit) != 0:
            weak = copy_handle(right, ALL_RIGHTS & ~(u64(1) << bit))
            _refuse_argument(addr(call), place, weak, Status.NO_RIGHT)
            _ = close(weak)
    dead = revoked(right, method)
    _refuse_argument(addr(call), place, dead, Status.REVOKED)
    _ = close(dead)


def _try_pointers(method: u64) -> None:
    bad: array[u64, 12] = array(
        0, 1, USER_LOWEST - 1, USER_END - 1, USER_END, USER_END + _PAGE, 0x8000_0000_0000, _KERNEL, _LAST, _LAST - 4,
        FIRST_STACK_END - 1, 0x1234_5678_9000,
    )
    for place in range(u64(method_table.counts[method])):
        if method_table.argument(method, place) == Argument.ADDRESS:
            call = good_call(method)
            for address in bad:
                _refuse_argument(addr(call), place, address, Status.BAD_ADDRESS)


def _try_spare_arguments(method: u64) -> None:
    for place in range(u64(method_table.counts[method]), u64(MAX_ARGUMENTS)):
        call = good_call(method)
        _refuse_argument(addr(call), place, 1, Status.BAD_ARGUMENT)


def _try_allowed(method: u64) -> None:
    """With the rights that it needs and no others it gets past every check that the table states."""
    if not is_harmless(method):
        return
    call = good_call(method)
    call.handle = copy_handle(target(method), u64(method_table.rights[method]))
    status, value = invoke_call(addr(call))
    if status != Status.OK:
        if method_table.errors[method] >> u64(status) & 1 == 0:
            check_numbered(u64(status), Status.OK, "an error that the table does not state", method)
    elif makes_handle(method):
        check_numbered(u64(close(value)), Status.OK, "close of the handle that it made", method)
    _ = close(call.handle)


def _refuse_argument(call: ptr[Call], place: u64, value: u64, expected: Status) -> None:
    right = call.arguments[place]
    call.arguments[place] = value
    _refuse(call, expected, "with a bad argument")
    call.arguments[place] = right


def _refuse(call: ptr[Call], expected: Status, what: str) -> None:
    """The call fails as expected, and changes nothing."""
    walk(call.method)
    before = snapshot()
    status, _ = invoke_call(call)
    check_numbered(u64(status), u64(expected), what, call.method)
    check_numbered(snapshot(), before, "the kernel's counts after a refusal", call.method)
    walk(call.method)
