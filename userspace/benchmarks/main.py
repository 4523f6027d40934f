"""What each operation costs, in hundredths of an instruction: one line for each, which tools/bench.py reads."""
import asyncio

from compiler.prelude import addr, array, const, panic, ptr, u64, zeroed
from kernel.abi.bootinfo import OWN_PROCESS, OWN_THREAD, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.layout import FIRST_RING
from kernel.abi.memory import CONTIGUOUS, READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.rights import ALL_RIGHTS
from kernel.abi.ring import Operation
from userspace.benchmarks.clock import SAMPLES, measure, report, start_mark, stop_mark, time_stamp
from userspace.benchmarks.core import measure_core
from userspace.benchmarks.events import measure_events
from userspace.benchmarks.lease_end import measure_lease_end
from userspace.lib import upcalls
from userspace.lib.memory import LARGE_PAGE, PAGE, create_memory, map_memory, unmap
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, invoke, ring_enter, yield_now

_PLACE = const(0x1000_0000)
_BATCH = const(31)                      # as many as the smallest ring has completions for
_LARGE_PLACE = const(0x4000_0000)
_ROUNDS = const(200)

_ring: Ring = zeroed()
_memory: u64 = 0
_large_memory: u64 = 0
_notification: u64 = 0


def nothing() -> None:
    pass


def null_syscall() -> None:
    yield_now()


def mint_close() -> None:
    _, handle = invoke(_notification, Method.MINT, ALL_RIGHTS, 7)
    _ = close(handle)


def map_touch_unmap() -> None:
    _ = map_memory(_memory, OWN_PROCESS, u64(_PLACE) | READ | WRITE, 0, PAGE)
    ptr[u64](_PLACE)[0] = 1
    _ = unmap(OWN_PROCESS, _PLACE, PAGE)


def map_touch_unmap_2m() -> None:
    """A large page."""
    _ = map_memory(_large_memory, OWN_PROCESS, u64(_LARGE_PLACE) | READ | WRITE, 0, LARGE_PAGE)
    ptr[u64](_LARGE_PLACE)[0] = 1
    _ = unmap(OWN_PROCESS, _LARGE_PLACE, LARGE_PAGE)


def signal_without_waiter() -> None:
    _, _ = invoke(_notification, Method.NOTIFICATION_SIGNAL, 1)


def ring_enter_empty() -> None:
    _, _ = ring_enter(0, 0, 0)


def ring_nop_1() -> None:
    _do_nops(1)


def ring_nop_8() -> None:
    _do_nops(8)


def ring_nop_128() -> None:
    """In as many passes as the ring needs."""
    for _ in range(4):
        _do_nops(_BATCH)
    _do_nops(4)


def ring_nop_batch() -> None:
    _do_nops(_BATCH)


async def _measure_tasks() -> None:
    """A task made, run to its end and awaited, by a task."""
    samples: array[u64, SAMPLES] = zeroed()
    for sample in range(u64(SAMPLES)):
        start_mark()
        begin = time_stamp()
        for _ in range(_ROUNDS):
            await asyncio.create_task(_nothing_async())
        samples[sample] = (time_stamp() - begin) * 100 // _ROUNDS
        stop_mark()
    report("task_lifecycle", _ROUNDS, 1, samples[:])


async def _nothing_async() -> None:
    pass


def _measure_upcall() -> None:
    """A no-op whose completion is told by an upcall, less what the no-op costs without."""
    _ = upcalls.arm(addr(_ring), _take_one)
    measure("nop_by_upcall", _submit_one, _ROUNDS, 1)


def _submit_one() -> None:
    _ = _ring.stage(Operation.NOP, 0, 0, 1)
    _ring.publish()
    _, _ = ring_enter(1, 0, 0)


def _take_one() -> None:
    _ring.done_with(_ring.unread())


def _do_nops(count: u64) -> None:
    """Submits, waits, and looks at what each completion says."""
    for number in range(count):
        if _ring.stage(Operation.NOP, 0, 0, number) is None:
            panic("the kernel left entries behind")
    _ring.publish()
    _, _ = ring_enter(count, count, 0)
    there = _ring.unread()
    for index in range(there):
        if _ring.completion(index).status != Status.OK:
            panic("a no-op failed")
    _ring.done_with(there)


def main() -> None:
    global _memory, _large_memory, _notification
    _, _notification = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    _, _memory = create_memory(ROOT_ACCOUNT, PAGE)
    _, _large_memory = create_memory(ROOT_ACCOUNT, LARGE_PAGE, CONTIGUOUS)
    has_two_cpus = _has_second_cpu()
    open_ring(addr(_ring), FIRST_RING)
    measure("empty", nothing, _ROUNDS, 1)
    measure("null_syscall", null_syscall, _ROUNDS, 1)
    measure("mint_close", mint_close, _ROUNDS, 1)
    measure_lease_end(_notification)
    measure("map_touch_unmap", map_touch_unmap, _ROUNDS, 1)
    measure("map_touch_unmap_2m", map_touch_unmap_2m, _ROUNDS, 1)
    measure("signal_without_waiter", signal_without_waiter, _ROUNDS, 1)
    measure("ring_enter_empty", ring_enter_empty, _ROUNDS, 1)
    measure("ring_nop_1", ring_nop_1, _ROUNDS, 1)
    measure("ring_nop_8", ring_nop_8, _ROUNDS // 8, 8)
    measure("ring_nop_32", ring_nop_batch, _ROUNDS // 8, _BATCH)
    measure("ring_nop_128", ring_nop_128, _ROUNDS // 8, 128)
    measure_events(addr(_ring), has_two_cpus)
    asyncio.run(_measure_tasks())
    _measure_upcall()
    measure_core(has_two_cpus)
    print("bench: end")


def _has_second_cpu() -> bool:
    """A thread may be bound to a CPU only if there is one."""
    status, _ = invoke(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 2)
    _, _ = invoke(OWN_THREAD, Method.THREAD_SET_AFFINITY, 0, 1)
    return status == Status.OK


if __name__ == "__main__":
    main()
