"""The streams of the manifest: made once, handed to each program that they name whenever it is started.

When a program will not be started again, the other sides of its streams are told.
"""
from compiler.prelude import addr, array, const, ptr, struct, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from userspace.init.manifest import LINKS, links
from userspace.lib import notification
from userspace.lib.channels.stream_ends import ENDED
from userspace.lib.memory import PAGE, create_memory
from userspace.lib.process import Recipe
from userspace.lib.start_info import is_same, start_info
from userspace.lib.syscall import invoke

_MEMORY_RIGHTS = const(Right.READ | Right.WRITE)
_BELL_RIGHTS = const(Right.SIGNAL | Right.WAIT)


@struct
class Made:
    memory: u64
    filled: u64
    drained: u64


_made: array[Made, LINKS] = zeroed()


def make_links() -> bool:
    """Returns False when there is no memory for them."""
    account = start_info().account
    for index in range(u64(LINKS)):
        made = addr(_made[index])
        status, made.memory = create_memory(account, PAGE)
        if status == Status.OK:
            status, made.filled = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
        if status == Status.OK:
            status, made.drained = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
        if status != Status.OK:
            return False
    return True


def give_links(program: str, recipe: ptr[Recipe]) -> None:
    """The ends that the manifest gives a program."""
    name = program.encode()
    for index in range(u64(LINKS)):
        link = addr(links[index])
        if is_same(link.writer.encode(), name) or is_same(link.reader.encode(), name):
            recipe.give(link.name, _made[index].memory, _MEMORY_RIGHTS)
            recipe.give(link.filled, _made[index].filled, _BELL_RIGHTS)
            recipe.give(link.drained, _made[index].drained, _BELL_RIGHTS)


def end_links(program: str) -> None:
    """Readers of the program's streams read to the end of what is there, writers get ConnectionError."""
    name = program.encode()
    for index in range(u64(LINKS)):
        if is_same(links[index].writer.encode(), name):
            notification.signal(_made[index].filled, ENDED)
        if is_same(links[index].reader.encode(), name):
            notification.signal(_made[index].drained, ENDED)
