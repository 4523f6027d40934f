"""The channels of the services, and the name service's page: who may ask it.

A channel is init's: it outlives its service, and calls wait in it for the one that is started next.
"""
from compiler.prelude import addr, array, const, ptr, u64
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from kernel.abi.thread import DEFAULT_PRIORITY
from userspace.init.manifest import ROWS, rows
from userspace.lib.memory import PAGE, create_memory, map_memory
from userspace.lib.process import Child, Recipe
from userspace.lib.services import (
    CALLS_NAME,
    CLIENTS_NAME,
    MOST_CLIENTS,
    NAMES_NAME,
    SERVICE_PREFIX,
    ClientTable,
)
from userspace.lib.start_info import is_same, start_info
from userspace.lib.syscall import invoke

_PLACE = const(0x31_0000_0000)

_channels: array[u64, ROWS] = array(0 for _ in range(ROWS))
_asking: array[u64, ROWS] = array(0 for _ in range(ROWS))      # the name service's channel with each row's badge
_clients: u64 = 0
_names: u64 = ROWS                      # the name service's row

assert ROWS < MOST_CLIENTS


def make_channels() -> bool:
    """Returns False when there is no memory for them."""
    global _clients, _names
    info = start_info()
    status, _clients = create_memory(info.account, PAGE)
    if status == Status.OK:
        status = map_memory(_clients, info.process, u64(_PLACE) | READ | WRITE, 0, PAGE)
    for index in range(u64(ROWS)):
        if status == Status.OK and rows[index].is_service:
            status, _channels[index] = invoke(info.account, Method.ACCOUNT_CREATE_CHANNEL, DEFAULT_PRIORITY)
            if is_same(rows[index].program.encode(), NAMES_NAME.encode()):
                _names = index
    for index in range(u64(ROWS)):
        if status == Status.OK and rows[index].gets_names:
            status, _asking[index] = invoke(_channels[_names], Method.MINT, Right.SEND | Right.COPY, _badge(index))
    return status == Status.OK


def give_channels(index: u64, recipe: ptr[Recipe]) -> None:
    """What a row's program receives on, and whom it may ask."""
    if rows[index].is_service:
        recipe.give(CALLS_NAME, _channels[index], Right.RECEIVE)
    if rows[index].gets_names:
        recipe.give(NAMES_NAME, _asking[index], Right.SEND)
    if index == _names:
        recipe.give(CLIENTS_NAME, _clients, Right.READ)
        for other in range(u64(ROWS)):
            if rows[other].is_service:
                recipe.give_part(SERVICE_PREFIX, rows[other].program, _channels[other], Right.SEND | Right.COPY)


def note_client(index: u64, children: ptr[Child]) -> None:
    """A row's program has been started: it may ask, or it is the name service, and all others may."""
    for other in range(u64(ROWS)):
        if (other == index or index == _names) and rows[other].gets_names:
            _let_ask(other, addr(children[other]), addr(children[_names]))


def _let_ask(index: u64, client: ptr[Child], names: ptr[Child]) -> None:
    given: u64 = 0
    if client.process != 0 and names.process != 0:
        status, handle = invoke(client.process, Method.COPY_TO, names.process, Right.GRANT)
        given = handle if status == Status.OK else u64(0)
    ptr[ClientTable](_PLACE).processes[_badge(index)] = given


def _badge(index: u64) -> u64:
    return index + 1
