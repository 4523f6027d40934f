"""Threads of one's own program: a function, a word for it, and a stack that the caller provides."""
from collections.abc import Callable

from compiler.prelude import const, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from userspace.lib.start_info import start_info
from userspace.lib.syscall import invoke

_RETURN_ADDRESS_BYTES = const(8)        # as after a call: functions expect one there


def make_thread(function: Callable[[u64], None], argument: u64, stack_end: u64) -> tuple[Status, u64]:
    """A thread that has not been started. The function ends with exit_thread(); the stack ends on 16 bytes."""
    info = start_info()
    return invoke(
        info.account, Method.ACCOUNT_CREATE_THREAD, info.process, u64(function), stack_end - _RETURN_ADDRESS_BYTES,
        argument,
    )


def spawn(function: Callable[[u64], None], argument: u64, stack_end: u64) -> tuple[Status, u64]:
    """Makes a thread and starts it. Returns its handle."""
    status, thread = make_thread(function, argument, stack_end)
    if status == Status.OK:
        status, _ = invoke(thread, Method.THREAD_START)
    return status, thread
