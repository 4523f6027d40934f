"""Starting programs: a process of its own account from a file in Memory, with a stack, a ring and standard handles.

The file may be anybody's; what it says is checked before anything is made (kernel/abi/program_file.py). All that a
process is made of is charged to its account, which has limits.
"""
from compiler.prelude import addr, array, const, copy, memory_copy, ptr, span, struct, u8, u64, zeroed
from kernel.abi.bootinfo import GRANT_LIMIT, Grant, Module, StartInfo
from kernel.abi.errors import Status
from kernel.abi.layout import FIRST_RING, FIRST_STACK_BYTES, FIRST_STACK_END, START_INFO
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.objects import Resource
from kernel.abi.program_file import Image, Segment, read_image
from kernel.abi.rights import ALL_RIGHTS, Right
from kernel.abi.ring import COMPLETION_CAPACITY, Submission
from kernel.abi.ring import Operation as Opcode
from userspace.lib.asyncio.loop import perform
from userspace.lib.memory import PAGE, create_memory, map_memory, seal, unmap
from userspace.lib.reactor import Operation
from userspace.lib.start_info import start_info
from userspace.lib.syscall import close, invoke

_FIRST_PLACE = const(0x10_0000_0000)    # where this program maps what it fills for others
_EXIT_BIT = const(1)
_PAGE_MASK = const(PAGE - 1)
_ACCOUNT_RIGHTS = const(Right.CREATE | Right.INSPECT | Right.WAIT)
_PAGE_RIGHTS = const(Right.COPY | Right.READ)
_MODULE_RIGHTS = const(Right.COPY | Right.READ | Right.EXECUTE | Right.INSPECT)


@struct
class Gift:
    """What a process is given under a name, which is two texts together."""
    prefix: str
    name: str
    handle: u64
    rights: u64


@struct
class Recipe:
    """What a process may use, and what it is given besides itself."""
    frames: u64 = 1024
    slots: u64 = 1024
    threads: u64 = 64
    rings: u64 = 64
    objects: u64 = 1024
    gets_system: bool = False
    gets_inspect: bool = False
    gets_modules: bool = False
    gift_count: u64 = 0
    gifts: array[Gift, GRANT_LIMIT]

    def give(self, name: str, handle: u64, rights: u64) -> None:
        self.give_part("", name, handle, rights)

    def give_part(self, prefix: str, name: str, handle: u64, rights: u64) -> None:
        self.gifts[self.gift_count] = Gift(prefix=prefix, name=name, handle=handle, rights=rights)
        self.gift_count += 1


@struct
class Child:
    """Handles of a process that was started here. `account` is the one that it runs on."""
    process: u64
    thread: u64
    account: u64
    notification: u64                   # told when it has ended


_next_place: u64 = _FIRST_PLACE


def start(child: ptr[Child], recipe: ptr[Recipe], program: ptr[Module], name: span[u8], words: span[u8]) -> str:
    """Starts the program in a Memory. Returns what went wrong, or nothing; then `child` is filled in.

    `words` are the program's arguments.
    """
    child[0] = zeroed()
    place, status = _show(program.memory, 0, (program.length + _PAGE_MASK) & ~u64(_PAGE_MASK), READ)
    if status != Status.OK:
        return "its file cannot be mapped"
    file = span(ptr[u8](place), program.length)
    image: Image = zeroed()
    problem = read_image(file, addr(image))
    if len(problem) == 0:
        problem = _make(child, recipe, name)
    if len(problem) == 0:
        problem = _fill(child, file, addr(image))
    if len(problem) == 0:
        problem = _start_thread(child, recipe, image.entry, words)
    _hide(place, len(file))
    if len(problem) != 0:
        abandon(child)
    return problem


async def wait_for_exit(child: ptr[Child]) -> u64:
    """Waits until the process has ended. Returns its exit status."""
    entry = Submission(operation=u8(Opcode.WATCH), capability=child.notification, word0=_EXIT_BIT)
    operation: Operation = zeroed()
    await perform(addr(entry), addr(operation))
    return exit_status(child)


def exit_status(child: ptr[Child]) -> u64:
    """Requires: the process has ended."""
    _, status = invoke(child.process, Method.PROCESS_EXIT_STATUS)
    return status


def has_ended(child: ptr[Child]) -> bool:
    status, _ = invoke(child.process, Method.PROCESS_EXIT_STATUS)
    return status == Status.OK


def kill(child: ptr[Child], status: u64) -> None:
    _, _ = invoke(child.process, Method.PROCESS_KILL, status)


def forget(child: ptr[Child]) -> None:
    """Closes the handles; the process goes on if it has not ended."""
    handles: array[u64, 4] = array(child.process, child.thread, child.account, child.notification)
    for handle in handles:
        if handle != 0:
            _ = close(handle)
    child[0] = zeroed()


def abandon(child: ptr[Child]) -> None:
    if child.process != 0:
        kill(child, 0)
    forget(child)


def _make(child: ptr[Child], recipe: ptr[Recipe], name: span[u8]) -> str:
    """The account and the process, empty, and somebody who is told of its end."""
    mine = start_info()
    _, child.account = invoke(mine.account, Method.ACCOUNT_CREATE_ACCOUNT)
    if child.account == 0 or not _set_limits(child.account, recipe):
        return "the account cannot pay for it"
    status, child.process = invoke(
        child.account, Method.ACCOUNT_CREATE_PROCESS, u64(addr(name[0])), u64(len(name)), mine.process
    )
    if status != Status.OK:
        return "no process can be made"
    status, child.notification = invoke(mine.account, Method.ACCOUNT_CREATE_NOTIFICATION)
    if status != Status.OK:
        return "the account cannot pay for it"
    status, _ = invoke(child.process, Method.PROCESS_NOTIFY_EXIT, child.notification, _EXIT_BIT)
    return "" if status == Status.OK else "its end cannot be watched"


def _set_limits(account: u64, recipe: ptr[Recipe]) -> bool:
    return (
        _set_limit(account, Resource.FRAMES, recipe.frames)
        and _set_limit(account, Resource.SLOTS, recipe.slots)
        and _set_limit(account, Resource.THREADS, recipe.threads)
        and _set_limit(account, Resource.RINGS, recipe.rings)
        and _set_limit(account, Resource.OBJECTS, recipe.objects)
    )


def _set_limit(account: u64, resource: u64, limit: u64) -> bool:
    status, _ = invoke(account, Method.ACCOUNT_SET_LIMIT, resource, limit)
    return status == Status.OK


def _fill(child: ptr[Child], file: span[u8], image: ptr[Image]) -> str:
    for index in range(image.count):
        segment = addr(image.segments[index])
        if not _load_segment(child, file, segment):
            return "its memory is more than its account may use"
    stack = u64(FIRST_STACK_END - FIRST_STACK_BYTES)
    status, memory = create_memory(child.account, FIRST_STACK_BYTES)
    if status == Status.OK:
        status = map_memory(memory, child.process, stack | READ | WRITE, 0, FIRST_STACK_BYTES)
    _ = close(memory)
    return "" if status == Status.OK else "its stack is more than its account may use"


def _load_segment(child: ptr[Child], file: span[u8], segment: ptr[Segment]) -> bool:
    status, memory = create_memory(child.account, segment.length)
    if status == Status.OK and segment.file_bytes != 0:
        place, shown = _show(memory, 0, segment.length, READ | WRITE)
        status = shown
        if status == Status.OK:
            memory_copy(ptr[u8](place), addr(file[segment.offset]), segment.file_bytes)
            _hide(place, segment.length)
    if status == Status.OK and segment.access & WRITE == 0:
        status = seal(memory)
    if status == Status.OK:
        status = map_memory(memory, child.process, segment.start | segment.access, 0, segment.length)
    _ = close(memory)
    return status == Status.OK


def _start_thread(child: ptr[Child], recipe: ptr[Recipe], entry: u64, words: span[u8]) -> str:
    status, child.thread = invoke(
        child.account, Method.ACCOUNT_CREATE_THREAD, child.process, entry, FIRST_STACK_END, FIRST_RING
    )
    if status == Status.OK:
        status, _ = invoke(child.thread, Method.THREAD_CREATE_RING, FIRST_RING, COMPLETION_CAPACITY)
    if status == Status.OK:
        status = _write_start_info(child, recipe, words)
    if status == Status.OK:
        status, _ = invoke(child.thread, Method.THREAD_START)
    return "" if status == Status.OK else "its thread is more than its account may use"


def _write_start_info(child: ptr[Child], recipe: ptr[Recipe], words: span[u8]) -> Status:
    """Gives the process its handles, and the page that tells them."""
    status, memory = create_memory(child.account, PAGE)
    if status != Status.OK:
        return status
    place, shown = _show(memory, 0, PAGE, READ | WRITE)
    if shown != Status.OK:
        _ = close(memory)
        return shown
    info = ptr[StartInfo](place)
    info.process = _give(child, child.process, ALL_RIGHTS)
    info.thread = _give(child, child.thread, ALL_RIGHTS)
    info.account = _give(child, child.account, _ACCOUNT_RIGHTS)
    info.time = _give(child, start_info().time, _PAGE_RIGHTS)
    info.machine = _give(child, start_info().machine, _PAGE_RIGHTS)
    if recipe.gets_system:
        info.system = _give(child, start_info().system, ALL_RIGHTS)
    if recipe.gets_inspect:
        info.inspect = _give(child, start_info().inspect, ALL_RIGHTS)
    if recipe.gets_modules:
        _give_modules(child, info)
    _give_gifts(child, recipe, info)
    info.arguments_length = min(u64(len(words)), len(info.arguments))
    for index in range(info.arguments_length):
        info.arguments[index] = words[index]
    _hide(place, PAGE)
    status = seal(memory)
    if status == Status.OK:
        status = map_memory(memory, child.process, u64(START_INFO) | READ, 0, PAGE)
    _ = close(memory)
    return status


def _give_modules(child: ptr[Child], info: ptr[StartInfo]) -> None:
    mine = start_info()
    info.module_count = mine.module_count
    for index in range(mine.module_count):
        info.modules[index] = copy(mine.modules[index])
        info.modules[index].memory = _give(child, mine.modules[index].memory, _MODULE_RIGHTS)


def _give_gifts(child: ptr[Child], recipe: ptr[Recipe], info: ptr[StartInfo]) -> None:
    info.grant_count = recipe.gift_count
    for index in range(recipe.gift_count):
        gift = addr(recipe.gifts[index])
        grant = addr(info.grants[index])
        grant.handle = _give(child, gift.handle, gift.rights)
        _add_name(grant, gift.prefix.encode())
        _add_name(grant, gift.name.encode())


def _add_name(grant: ptr[Grant], part: span[u8]) -> None:
    """What does not fit is left out."""
    for character in part:
        if grant.name_length < len(grant.name):
            grant.name[grant.name_length] = character
            grant.name_length += 1


def _give(child: ptr[Child], handle: u64, rights: u64) -> u64:
    """Returns the handle that the process has then, 0 when it cannot have it."""
    status, given = invoke(handle, Method.COPY_TO, child.process, rights)
    return given if status == Status.OK else u64(0)


def _show(memory: u64, offset: u64, length: u64, access: u64) -> tuple[u64, Status]:
    """Maps part of a Memory into this program. Returns where."""
    global _next_place
    place = _next_place
    status = map_memory(memory, start_info().process, place | access, offset, length)
    if status == Status.OK:
        _next_place = place + length
    return place, status


def _hide(place: u64, length: u64) -> None:
    _ = unmap(start_info().process, place, (length + _PAGE_MASK) & ~u64(_PAGE_MASK))
