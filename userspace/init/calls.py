"""The channels of the services, and who may ask the name service.

A channel is init's: it outlives its service, and calls wait in it for the one that is started next. When there will be
none, init gives up the last right to receive: the calls that wait, and those that come, end with PEER_CLOSED.
"""
from compiler.prelude import array, ptr, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.thread import DEFAULT_PRIORITY
from userspace.init.manifest import ROWS, rows
from userspace.lib.process import Recipe
from userspace.lib.services import CALLS_NAME, NAMES_NAME, SERVICE_PREFIX
from userspace.lib.start_info import is_same, start_info
from userspace.lib.syscall import close, invoke

_channels: array[u64, ROWS] = array(0 for _ in range(ROWS))
_names: u64 = ROWS                      # the name service's row


def make_channels() -> bool:
    """Returns False when there is no memory for them."""
    global _names
    status: Status = Status.OK
    for index in range(u64(ROWS)):
        if rows[index].is_service and status == Status.OK:
            status, _channels[index] = invoke(start_info().account, Method.ACCOUNT_CREATE_CHANNEL, DEFAULT_PRIORITY)
            if is_same(rows[index].program.encode(), NAMES_NAME.encode()):
                _names = index
    return status == Status.OK


def give_channels(index: u64, recipe: ptr[Recipe]) -> None:
    """What a row's program receives on, and whom it may ask."""
    if rows[index].is_service:
        recipe.give(CALLS_NAME, _channels[index], Right.RECEIVE)
    if rows[index].gets_names:
        recipe.give(NAMES_NAME, _channels[_names], Right.SEND)
    if index == _names:
        for other in range(u64(ROWS)):
            if rows[other].is_service and _channels[other] != 0:
                recipe.give_part(SERVICE_PREFIX, rows[other].program, _channels[other], Right.SEND | Right.COPY)


def close_channel(index: u64) -> None:
    """The row's service will not be started again."""
    _ = close(_channels[index])
    _channels[index] = 0
