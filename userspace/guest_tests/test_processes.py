"""Programs started from a file in Memory: this test starts itself, with words that tell the child what to do."""
import asyncio

from compiler.prelude import addr, asm_x64, const, copy, ptr, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, SYSTEM, Module
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import OBJECT_KINDS, ExitCause, ObjectKind
from kernel.abi.rights import Right
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.lib import program
from userspace.lib.process import Child, Recipe, forget, kill, start, wait_for_exit
from userspace.lib.start_info import arguments, find_program, has_argument, start_info
from userspace.lib.syscall import invoke, yield_now

_CASES = const(7)
_LIVES = const(10)
_PAGE_FAULT = const(14)
_STATUS = const(7)
_KILLED = const(99)


@asm_x64
def _read_null() -> None:
    mov(rax, [0x10])


def _be_child() -> u64:
    """What a child does. Returns its exit status."""
    if has_argument("fault"):
        _read_null()
    if has_argument("endless"):
        while True:
            yield_now()
    if has_argument("own"):
        return _count_own_handles()
    return _STATUS if has_argument("leave") and len(arguments()) == 12 else u64(0)


def _count_own_handles() -> u64:
    """0 when it has itself, its thread and an account that it cannot change, and nothing of the machine."""
    info = start_info()
    _, process = invoke(info.process, Method.IDENTIFY)
    _, thread = invoke(info.thread, Method.IDENTIFY)
    _, account = invoke(info.account, Method.IDENTIFY)
    if process >> 32 != ObjectKind.PROCESS or thread >> 32 != ObjectKind.THREAD:
        return 1
    if account >> 32 != ObjectKind.ACCOUNT or account & Right.MANAGE != 0:
        return 2
    status, _ = invoke(SYSTEM, Method.SYSTEM_STATE)
    return 0 if info.system == 0 and info.inspect == 0 and info.module_count == 0 and status != Status.OK else u64(3)


def _own_file() -> ptr[Module]:
    module = find_program(b"init")
    assert module is not None
    return module


def _start(child: ptr[Child], words: str) -> None:
    recipe = Recipe()
    problem = start(child, addr(recipe), _own_file(), b"child", words.encode())
    check_equal(u64(len(problem)), 0, "start")


def _cause(child: ptr[Child]) -> u64:
    _, cause = invoke(child.process, Method.PROCESS_EXIT_CAUSE)
    return cause


async def _life(words: str, status: u64, cause: u64) -> None:
    child: Child = zeroed()
    _start(addr(child), words)
    check_equal(await wait_for_exit(addr(child)), status, "exit status")
    check_equal(_cause(addr(child)), cause, "exit cause")
    forget(addr(child))


async def _killed() -> None:
    child: Child = zeroed()
    _start(addr(child), "endless")
    status, _ = invoke(child.process, Method.PROCESS_EXIT_STATUS)
    check_equal(u64(status), Status.WOULD_BLOCK, "status of a process that runs")
    kill(addr(child), _KILLED)
    check_equal(await wait_for_exit(addr(child)), _KILLED, "exit status")
    check_equal(_cause(addr(child)), ExitCause.KILLED, "exit cause")
    forget(addr(child))


def _refused() -> None:
    """Files that are none, and accounts that are too poor: nothing is started."""
    child: Child = zeroed()
    recipe = Recipe()
    file = copy(_own_file()[0])
    file.length = 100
    check(len(start(addr(child), addr(recipe), addr(file), b"child", b"")) != 0, "a file that is cut off")
    file.length = 0
    check(len(start(addr(child), addr(recipe), addr(file), b"child", b"")) != 0, "an empty file")
    file = copy(_own_file()[0])
    file.memory = OWN_PROCESS
    check(len(start(addr(child), addr(recipe), addr(file), b"child", b"")) != 0, "a file that is no memory")
    for frames in range(u64(0), u64(60), 3):
        poor = Recipe(frames=frames)
        check(len(start(addr(child), addr(poor), _own_file(), b"child", b"")) != 0, "an account without frames")
    for objects in range(u64(0), u64(12)):
        poor = Recipe(objects=objects)
        check(len(start(addr(child), addr(poor), _own_file(), b"child", b"")) != 0, "an account without objects")
    check_equal(child.process, 0, "what is left of a child that was refused")


async def _come_to_rest() -> None:
    while True:
        status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
        if status != Status.BUSY:
            check_equal(faults, 0, "faults that the walker found")
            return
        await asyncio.sleep(0)


async def _counts() -> u64:
    """Objects of all kinds together."""
    await _come_to_rest()
    total: u64 = 0
    for kind in range(u64(OBJECT_KINDS)):
        _, live = invoke(INSPECT, Method.INSPECT_COUNT_OBJECTS, kind)
        total += live
    return total


async def _expect_count(wanted: u64, what: str) -> None:
    """A killed thread ends when its turn comes on its CPU, of which the walker knows nothing."""
    for _ in patience():
        if await _counts() == wanted:
            break
        await asyncio.sleep(0)
    check_equal(await _counts(), wanted, what)


async def _cases() -> None:
    begin("exit_status")
    await _life("leave please", _STATUS, ExitCause.EXIT)
    begin("own_handles")
    await _life("own", 0, ExitCause.EXIT)
    begin("fault")
    await _life("fault", _PAGE_FAULT, ExitCause.EXCEPTION)
    begin("killed")
    await _killed()
    begin("refused")
    before = await _counts()
    _refused()
    await _expect_count(before, "objects after refusals")
    begin("many_lives")
    for _ in range(_LIVES):
        await _life("leave please", _STATUS, ExitCause.EXIT)
    await _expect_count(before, "objects after ten lives")
    begin("side_by_side")
    first = asyncio.create_task(_life("leave please", _STATUS, ExitCause.EXIT))
    second = asyncio.create_task(_life("fault", _PAGE_FAULT, ExitCause.EXCEPTION))
    await first
    await second
    await _expect_count(before, "objects after two lives at a time")


async def main() -> None:
    if start_info().system == 0:
        program.exit_status = _be_child()
        return
    plan(_CASES)
    await _cases()
    end()


if __name__ == "__main__":
    asyncio.run(main())
