"""What guest tests of threads share: stacks, threads on them, and patience."""
from collections.abc import Callable

from compiler.prelude import addr, array, const, struct, u8, u64, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.thread import ThreadState
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import check, check_equal
from userspace.lib.syscall import close, invoke, yield_now

STACKS = const(8)
STACK_BYTES = const(4096)
OWN_INDEX = const(0xFFFF_FFFF_FFFF_FFFF)


@struct(align=16)
class Stack:
    bytes: array[u8, STACK_BYTES]


_stacks: array[Stack, STACKS] = zeroed()


def stack_of(index: u64) -> u64:
    return u64(addr(_stacks[index]))


def make(index: u64, function: Callable[[u64], None], argument: u64 = OWN_INDEX) -> u64:
    """A thread on stack `index`, which is also its argument unless another one is given."""
    stack_end = stack_of(index) + STACK_BYTES
    # As after a call: functions expect a return address there.
    given = index if argument == OWN_INDEX else argument
    status, handle = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, OWN_PROCESS, u64(function), stack_end - 8, given
    )
    expect(status, Status.OK, "creation")
    return handle


def spawn(index: u64, function: Callable[[u64], None]) -> u64:
    handle = make(index, function)
    do(handle, Method.THREAD_START)
    return handle


def do(handle: u64, method: u64, first: u64 = 0, second: u64 = 0) -> None:
    _ = ask(handle, method, first, second)


def ask(handle: u64, method: u64, first: u64 = 0, second: u64 = 0) -> u64:
    status, value = invoke(handle, method, first, second)
    check_equal(u64(status), Status.OK, "operation")
    return value


def expect(status: Status, wanted: Status, what: str) -> None:
    check_equal(u64(status), u64(wanted), what)


def await_state(handle: u64, wanted: ThreadState) -> None:
    for _ in patience():
        if ask(handle, Method.THREAD_STATE) == u64(wanted):
            return
        yield_now()
    check(False, "a state was never reached")


def finish(handle: u64) -> None:
    do(handle, Method.THREAD_KILL, 9)
    await_state(handle, ThreadState.ENDED)
    check_equal(ask(handle, Method.THREAD_EXIT_STATUS), 9, "status of a killed thread")
    expect(close(handle), Status.OK, "close")
