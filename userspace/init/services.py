"""The table of services (lib/services.py), and the bell that ends one: what the shell sees and rings."""
from compiler.prelude import addr, const, memory_copy, ptr, u64
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from userspace.init.manifest import ROWS, rows
from userspace.lib import notification
from userspace.lib.memory import PAGE, create_memory, map_memory
from userspace.lib.process import Child, Recipe, kill
from userspace.lib.services import KILL_NAME, MOST_SERVICES, SERVICE_NAME_BYTES, TABLE_NAME, ServiceTable
from userspace.lib.start_info import start_info
from userspace.lib.syscall import invoke

_PLACE = const(0x30_0000_0000)
_KILLED = const(137)                    # exit status
_EVERY_ROW = const((1 << ROWS) - 1)

_memory: u64 = 0
_bell: u64 = 0
_reader: ptr[Child] | None = None       # the program that has the table

assert ROWS <= MOST_SERVICES


def make_table() -> bool:
    """Returns False when there is no memory for it."""
    global _memory, _bell
    info = start_info()
    status, _memory = create_memory(info.account, PAGE)
    if status == Status.OK:
        status = map_memory(_memory, info.process, u64(_PLACE) | READ | WRITE, 0, PAGE)
    if status == Status.OK:
        status, _bell = invoke(info.account, Method.ACCOUNT_CREATE_NOTIFICATION)
    return status == Status.OK


def give_table(recipe: ptr[Recipe]) -> None:
    recipe.give(TABLE_NAME, _memory, Right.READ)
    recipe.give(KILL_NAME, _bell, Right.SIGNAL)


def set_reader(reader: ptr[Child], children: ptr[Child]) -> None:
    """A new program has the table: it gets capabilities of all that run."""
    global _reader
    _reader = reader
    for index in range(u64(ROWS)):
        if rows[index].is_service and children[index].process != 0:
            _give(index, addr(children[index]), reader)


def note_start(index: u64, child: ptr[Child]) -> u64:
    """Returns how often it has been started."""
    service = addr(ptr[ServiceTable](_PLACE).services[index])
    name = rows[index].program.encode()
    service.name_length = min(u64(len(name)), u64(SERVICE_NAME_BYTES))
    memory_copy(addr(service.name[0]), addr(name[0]), service.name_length)
    reader = _reader
    if reader is not None and reader.process != 0:
        _give(index, child, reader)
    service.starts += 1
    return service.starts


async def end_services(children: ptr[Child]) -> None:
    """A task of its own: ends those whose bell rings."""
    while True:
        bits = await notification.wait(_bell, _EVERY_ROW)
        for index in range(u64(ROWS)):
            if bits & (u64(1) << index) != 0 and rows[index].is_service and children[index].process != 0:
                kill(addr(children[index]), _KILLED)


def _give(index: u64, child: ptr[Child], reader: ptr[Child]) -> None:
    service = addr(ptr[ServiceTable](_PLACE).services[index])
    service.process = _copy(child.process, reader)
    service.thread = _copy(child.thread, reader)
    service.account = _copy(child.account, reader)


def _copy(handle: u64, reader: ptr[Child]) -> u64:
    status, given = invoke(handle, Method.COPY_TO, reader.process, Right.INSPECT)
    return given if status == Status.OK else u64(0)
