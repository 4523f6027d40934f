"""A scheduler of tasks in user space: one thread for each CPU, many tasks for each thread, no CPU lost to a wait.

A task computes, then waits for a timer on its thread's ring; while it waits the thread runs its other tasks. Only when
all of them wait does the thread wait as well.
"""
import asyncio

from compiler.prelude import addr, array, const, ptr, struct, u8, u16, u64, wrap_mul, zeroed
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import COMPLETION_CAPACITY, Completion, Operation, Submission
from userspace.lib import notification, program
from userspace.lib.machine_info import machine_info
from userspace.lib.ring import Ring, open_ring
from userspace.lib.start_info import start_info
from userspace.lib.syscall import exit_thread, invoke, ring_enter
from userspace.lib.threads import make_thread
from userspace.lib.time import monotonic_ns

_MOST_CPUS = const(8)
_TASKS = const(24)                      # of each thread
_TURNS = const(20)                      # of each task
_WAIT_NS = const(2_000_000)
_WORK = const(400_000)                  # rounds of a turn
_STACK_BYTES = const(16384)
_RINGS = const(0x51_0000_0000)
_RING_BYTES = const(1 << 20)            # between two rings
_PERCENT = const(100)


@struct
class Worker:
    ring: Ring
    thread: u64
    turns: array[u64, _TASKS]           # that each task has still to take
    ready: array[u16, _TASKS]           # tasks, first come first served
    head: u64
    tail: u64
    left: u64                           # tasks that have not ended
    idle_waits: u64                     # when nothing was ready
    result: u64
    stack: array[u8, _STACK_BYTES]


_workers: array[Worker, _MOST_CPUS] = zeroed(align=16)


def run_worker(index: u64) -> None:
    """What each thread does."""
    worker = addr(_workers[index])
    open_ring(addr(worker.ring), u64(_RINGS) + index * _RING_BYTES)
    while worker.left != 0:
        take_completions(worker)
        if worker.head == worker.tail:
            worker.idle_waits += 1
            _, _ = ring_enter(0, 1, 0)
            continue
        task = u64(worker.ready[worker.head % _TASKS])
        worker.head += 1
        run_turn(worker, task)
    exit_thread(0)


def run_turn(worker: ptr[Worker], task: u64) -> None:
    """Computes, then waits; the last turn ends the task."""
    value = task
    for _ in range(_WORK):
        value = wrap_mul(value ^ value >> 29, 0xBF58476D1CE4E5B9)
    worker.result ^= value
    worker.turns[task] -= 1
    if worker.turns[task] == 0:
        worker.left -= 1
        return
    entry = Submission(
        operation=u8(Operation.TIMER), slot=u16(task), user_data=task, deadline_ns=monotonic_ns() + _WAIT_NS
    )
    _ = worker.ring.submit(addr(entry))
    _, _ = ring_enter(1, 0, 0)


def take_completions(worker: ptr[Worker]) -> None:
    completion: Completion = zeroed()
    while worker.ring.take(addr(completion)):
        worker.ready[worker.tail % _TASKS] = u16(completion.user_data)
        worker.tail += 1


def start_worker(index: u64, ended: u64) -> bool:
    worker = addr(_workers[index])
    worker.left = _TASKS
    worker.tail = _TASKS
    for task in range(u64(_TASKS)):
        worker.turns[task] = _TURNS
        worker.ready[task] = u16(task)
    status, worker.thread = make_thread(run_worker, index, u64(addr(worker.stack)) + _STACK_BYTES)
    if status == Status.OK:
        place = u64(_RINGS) + index * _RING_BYTES
        status, _ = invoke(worker.thread, Method.THREAD_CREATE_RING, place, COMPLETION_CAPACITY)
    if status == Status.OK:
        status, _ = invoke(worker.thread, Method.THREAD_SET_AFFINITY, 0, u64(1) << index)
    if status == Status.OK:
        status, _ = invoke(worker.thread, Method.THREAD_NOTIFY_EXIT, ended, u64(1) << index)
    if status == Status.OK:
        status, _ = invoke(worker.thread, Method.THREAD_START)
    return status == Status.OK


def count_cpus() -> u64:
    machine = machine_info()
    return u64(1) if machine is None else min(machine.cpus, u64(_MOST_CPUS))


async def main() -> None:
    cpus = count_cpus()
    begin_ns = monotonic_ns()
    _, ended = invoke(start_info().account, Method.ACCOUNT_CREATE_NOTIFICATION)
    for index in range(cpus):
        if not start_worker(index, ended):
            print("scheduler: a thread cannot be made")
            program.exit_status = 1
            return
    every: u64 = (u64(1) << cpus) - 1
    while every != 0:
        every &= ~await notification.wait(ended, every)
    elapsed_ns = monotonic_ns() - begin_ns
    for index in range(cpus):
        worker = addr(_workers[index])
        _, used_ns = invoke(worker.thread, Method.THREAD_CPU_TIME)
        print(
            f"cpu {index}: {_TASKS * _TURNS} turns, {_TASKS * (_TURNS - 1)} waits, busy "
            f"{used_ns * _PERCENT // elapsed_ns} %, nothing ready {worker.idle_waits} times"
        )
    print(f"scheduler: {cpus * _TASKS} tasks ended")


if __name__ == "__main__":
    asyncio.run(main())
