"""The first program: tries its ring with one no-op, starts what its plan names, waits for all of it, and reports.

Its exit status is the first one that is not 0, of the no-op or of a program.
"""
import asyncio

from compiler.prelude import addr, array, const, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.ring import Operation as Opcode
from kernel.abi.ring import Submission
from userspace.init.plan import ROWS, plan
from userspace.lib import program
from userspace.lib.asyncio.loop import perform
from userspace.lib.process import Child, Recipe, forget, start, wait_for_exit
from userspace.lib.reactor import Operation
from userspace.lib.start_info import find_program, has_argument

_NOT_STARTED = const(2)                 # exit status when a program of the plan cannot be started

_children: array[Child, ROWS] = zeroed()


async def runs_nop() -> bool:
    entry = Submission(operation=u8(Opcode.NOP))
    operation: Operation = zeroed()
    await perform(addr(entry), addr(operation))
    return operation.completion.status == Status.OK


async def follow(index: u64) -> None:
    """Runs one row of the plan to its end."""
    status = await run_row(index)
    if program.exit_status == 0:
        program.exit_status = status


async def run_row(index: u64) -> u64:
    """Returns the exit status of the row's program."""
    row = addr(plan[index])
    module = find_program(row.program.encode())
    if module is None:
        print(f"init: {row.program}: there is no such boot module")
        return _NOT_STARTED
    recipe = Recipe(
        frames=row.frames,
        slots=row.others,
        threads=row.others,
        rings=row.others,
        objects=row.others,
        gets_system=row.gets_system,
        gets_inspect=row.gets_inspect,
        gets_modules=row.gets_modules,
    )
    child = addr(_children[index])
    problem = start(child, addr(recipe), module, row.program.encode(), b"")
    if len(problem) != 0:
        print(f"init: {row.program}: {problem}")
        return _NOT_STARTED
    status = await wait_for_exit(child)
    print(f"exit: {row.program} status={status}")
    forget(child)
    return status


async def run_plan() -> None:
    async with asyncio.TaskGroup() as group:
        for index in range(u64(ROWS)):
            if has_argument(plan[index].word):
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
    await run_plan()


if __name__ == "__main__":
    asyncio.run(main())
