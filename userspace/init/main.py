"""The first program: tries its ring with one no-op, starts what its manifest names, and starts services again.

It ends when every program that is no service has ended. Its exit status is the first one that is not 0, of the no-op or
of such a program.
"""
import asyncio

from compiler.prelude import addr, array, const, ptr, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.ring import Operation as Opcode
from kernel.abi.ring import Submission
from userspace.init.calls import close_channel, give_channels, make_channels
from userspace.init.links import end_links, give_links, make_links
from userspace.init.manifest import HEALTHY_SECONDS, ROWS, Row, rows
from userspace.init.services import end_services, give_table, make_table, note_start, set_reader
from userspace.lib import program
from userspace.lib.asyncio.loop import perform
from userspace.lib.process import Child, Recipe, forget, start, wait_for_exit
from userspace.lib.reactor import Operation
from userspace.lib.start_info import find_program, has_argument
from userspace.lib.time import monotonic_ns

_NOT_STARTED = const(2)                 # exit status when a program of the manifest cannot be started
_NS = const(1_000_000_000)

_children: array[Child, ROWS] = zeroed()


async def runs_nop() -> bool:
    entry = Submission(operation=u8(Opcode.NOP))
    operation: Operation = zeroed()
    await perform(addr(entry), addr(operation))
    return operation.completion.status == Status.OK


async def follow(index: u64) -> None:
    """Runs a row's program to its end, and again as often as the manifest allows."""
    row = addr(rows[index])
    left = row.restarts
    while True:
        begin_ns = monotonic_ns()
        status = await run_row(index)
        if status == 0 or not row.is_service:
            break
        if monotonic_ns() - begin_ns > u64(HEALTHY_SECONDS) * _NS:
            left = row.restarts
        if left == 0:
            print(f"init: {row.program}: ended too often")
            break
        left -= 1
    if row.is_service:
        close_channel(index)
        end_links(row.program)
    elif program.exit_status == 0:
        program.exit_status = status


async def run_row(index: u64) -> u64:
    """Returns the exit status of the row's program."""
    row = addr(rows[index])
    child = addr(_children[index])
    problem = start_row(index)
    if len(problem) != 0:
        print(f"init: {row.program}: {problem}")
        return _NOT_STARTED
    if row.is_service and note_start(index, child) > 1:
        print(f"init: {row.program}: started again")
    if row.gets_services:
        set_reader(child, addr(_children[0]))
    status = await wait_for_exit(child)
    print(f"exit: {row.program} status={status}")
    forget(child)
    return status


def start_row(index: u64) -> str:
    """Returns what went wrong, or nothing."""
    row = addr(rows[index])
    module = find_program(row.program.encode())
    if module is None:
        return "there is no such boot module"
    recipe = Recipe()
    fill_recipe(addr(recipe), row)
    give_channels(index, addr(recipe))
    return start(addr(_children[index]), addr(recipe), module, row.program.encode(), b"")


def fill_recipe(recipe: ptr[Recipe], row: ptr[Row]) -> None:
    recipe.frames = row.frames
    recipe.slots = row.others
    recipe.threads = row.others
    recipe.rings = row.others
    recipe.objects = row.others
    recipe.gets_system = row.gets_system
    recipe.gets_inspect = row.gets_inspect
    recipe.gets_modules = row.gets_modules
    give_links(row.program, recipe)
    if row.gets_services:
        give_table(recipe)


async def run_manifest() -> None:
    if not make_links() or not make_table() or not make_channels():
        print("init: there is no memory for what programs share")
        program.exit_status = _NOT_STARTED
        return
    _ = asyncio.create_task(end_services(addr(_children[0])))
    async with asyncio.TaskGroup() as group:
        for index in range(u64(ROWS)):
            if has_argument(rows[index].word):
                if rows[index].is_service:
                    _ = asyncio.create_task(follow(index))
                else:
                    _ = group.create_task(follow(index))


async def main() -> None:
    print("test: plan 1")
    if not await runs_nop():
        print("test: fail nop: it did not complete as it was submitted")
        print("test: end passed=0 failed=1")
        program.exit_status = 1
        return
    print("user: nop completed")
    print("test: ok nop")
    print("test: end passed=1 failed=0")
    await run_manifest()


if __name__ == "__main__":
    asyncio.run(main())
