"""A scheduler of tasks in user space, driven by upcalls: a thread for each CPU never waits while a task can run.

Each task has a stack of its own and is interrupted wherever it is. An upcall about a completion brings the task that
waited for it, one about a lost CPU the next in turn; the interrupted one goes on later from the upcall's frame. In each
thread a task computes without a system call until all others have ended: these would never run but for upcalls.
"""
from typing import NoReturn

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import (
    addr,
    array,
    asm_x64,
    atomic,
    const,
    copy,
    export,
    memory_copy,
    naked,
    offsetof,
    ptr,
    struct,
    u8,
    u16,
    u64,
    wrap_mul,
    zeroed,
)
from compiler.prelude.x64 import *
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import Completion, Operation, Submission
from kernel.abi.syscall import Call
from kernel.abi.thread import ThreadRegisters, ThreadState
from kernel.abi.upcall import Reason, UpcallBlock
from kernel.arch.x86_64.frame import USER_FLAGS
from userspace.guest_tests import messages
from userspace.guest_tests.messages import new_ring
from userspace.guest_tests.report import begin, check, check_equal, check_numbered, end, plan
from userspace.guest_tests.threads import ask, do, expect, finish, make
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, exit_thread, invoke, ring_enter, yield_now
from userspace.lib.time import monotonic_ns

_CASES = const(3)
_MOST_WORKERS = const(4)
_TASKS = const(6)                       # of each worker; the first never waits
_TURNS = const(25)                      # of each of the others
_WORK = const(2_000)                    # steps of a turn
_SLEEP_NS = const(200_000)
_PASSES = const(10)                     # from one task to the other and back
_STACK_BYTES = const(4096)
_SCHEDULER_STACK_BYTES = const(8192)
_RETURN_ADDRESS_BYTES = const(8)
_VECTOR_BYTES = const(512)              # of FXSAVE
_CONTROL_WORD = const(0x037F)           # x87 and SSE: all exceptions masked
_CONTROL_STATUS = const(0x1F80)
_CONTROL_STATUS_PLACE = const(24)
_UPCALL_RETURN = const(Call.UPCALL_RETURN)
_RBX = const(offsetof(ThreadRegisters, "rbx"))
_RBP = const(offsetof(ThreadRegisters, "rbp"))
_RSP = const(offsetof(ThreadRegisters, "rsp"))
_R12 = const(offsetof(ThreadRegisters, "r12"))
_R13 = const(offsetof(ThreadRegisters, "r13"))
_R14 = const(offsetof(ThreadRegisters, "r14"))
_R15 = const(offsetof(ThreadRegisters, "r15"))
_RIP = const(offsetof(ThreadRegisters, "rip"))


@struct(align=64)
class Task:
    vectors: array[u8, _VECTOR_BYTES]
    registers: ThreadRegisters
    worker: ptr[Worker]
    number: u64
    result: u64
    stack: array[u8, _STACK_BYTES]


@struct(align=64)
class Worker:
    tasks: array[Task, _TASKS]
    ring: Ring
    block: ptr[UpcallBlock]
    thread: u64
    ready: array[u64, _TASKS]           # numbers of tasks, first come first served
    head: u64
    tail: u64
    current: u64
    left: atomic[u64]                   # tasks that have not ended
    upcalls: u64
    preemptions: u64
    waits: u64                          # of the thread, when no task was ready
    stack: array[u8, _SCHEDULER_STACK_BYTES]  # of the scheduler, which is masked


_workers: array[Worker, _MOST_WORKERS] = zeroed(align=64)
_is_passing: bool = False               # what the tasks do
_passes: atomic[u64] = 0


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("reference")
    check(_compute(1) != _compute(2), "results differ")
    begin("busy_while_tasks_wait")
    _busy_while_tasks_wait()
    begin("preempted")
    _preempted()
    end()


def _busy_while_tasks_wait() -> None:
    workers: u64 = 0
    while workers < _MOST_WORKERS and _make_worker(workers, _TASKS):
        workers += 1
    for index in range(workers):
        do(_workers[index].thread, Method.THREAD_START)
    for index in range(workers):
        _await_end(index)
        worker = addr(_workers[index])
        check_numbered(worker.waits, 0, "waits of the thread of worker", index)
        check(worker.upcalls != 0, "upcalls")
        for number in range(u64(1), u64(_TASKS)):
            check_numbered(worker.tasks[number].result, _expected(number), "result of task", number)


def _preempted() -> None:
    """Two tasks wait for one another and never for the kernel; another thread shares the CPU."""
    global _is_passing
    _is_passing = True
    check(_make_worker(0, 2), "a worker")
    rival = make(1, _spin)
    do(rival, Method.THREAD_SET_AFFINITY, 0, 1)
    do(rival, Method.THREAD_START)
    do(_workers[0].thread, Method.THREAD_START)
    _await_end(0)
    finish(rival)
    check_equal(_passes.load(), 2 * _PASSES, "passes")
    check(_workers[0].preemptions >= 2 * _PASSES - 2, "each pass but the last was an upcall")
    check_equal(_workers[0].waits, 0, "waits of the thread")


def _make_worker(index: u64, tasks: u64) -> bool:
    """Returns False when there is no such CPU."""
    worker = addr(_workers[index])
    thread = make(index, _run_worker)
    status, _ = invoke(thread, Method.THREAD_SET_AFFINITY, 0, u64(1) << index)
    if status != Status.OK:
        finish(thread)
        return False
    worker.thread = thread
    new_ring(index, thread, 31)
    open_ring(addr(worker.ring), messages.place[index])
    worker.block = addr(worker.ring.user_page.upcall)
    worker.block.entry = u64(_entry)
    worker.block.stack_top = (u64(addr(worker.stack)) + _SCHEDULER_STACK_BYTES) & ~u64(15)
    worker.block.disabled.store(1)
    do(thread, Method.THREAD_ARM_UPCALLS, Reason.COMPLETION | Reason.PREEMPTED)
    worker.head = 0
    worker.tail = 0
    worker.upcalls = 0
    worker.preemptions = 0
    worker.waits = 0
    worker.left.store(tasks)
    for number in range(tasks):
        _make_task(worker, number)
        _note_ready(worker, number)
    return True


def _make_task(worker: ptr[Worker], number: u64) -> None:
    task = addr(worker.tasks[number])
    task.worker = worker
    task.number = number
    task.result = 0
    task.registers = ThreadRegisters(
        rip=u64(_run_task), rsp=u64(addr(task.stack)) + _STACK_BYTES - _RETURN_ADDRESS_BYTES, rdi=u64(task),
        rflags=USER_FLAGS,
    )  # fmt: skip
    ptr[u16](addr(task.vectors))[0] = _CONTROL_WORD
    ptr[u16](u64(addr(task.vectors)) + _CONTROL_STATUS_PLACE)[0] = _CONTROL_STATUS


def _await_end(index: u64) -> None:
    while ask(_workers[index].thread, Method.THREAD_STATE) != ThreadState.ENDED:
        yield_now()
    expect(close(_workers[index].thread), Status.OK, "close")


def _run_worker(index: u64) -> None:
    _schedule(addr(_workers[index]))


def _run_task(task: ptr[Task]) -> None:
    """It has nowhere to return to: at its end its thread goes on with other tasks."""
    if _is_passing:
        _pass(task.number)
    elif task.number == 0:
        while task.worker.left.load("relaxed") != 1:
            task.result += 1
    else:
        for turn in range(u64(_TURNS)):
            task.result ^= _compute(task.number * _TURNS + turn)
            _sleep(task)
    worker = task.worker
    _mask(worker)
    _ = worker.left.fetch_sub(1)
    _leave_task(addr(task.registers), u64(worker.block.stack_top), worker)


def _pass(number: u64) -> None:
    """Takes every other turn."""
    for turn in range(u64(_PASSES)):
        while _passes.load("relaxed") != 2 * turn + number:
            pass
        _ = _passes.fetch_add(1)


def _compute(seed: u64) -> u64:
    value = seed
    for _ in range(_WORK):
        value = wrap_mul(value ^ value >> 29, 0xBF58476D1CE4E5B9)
    return value


def _expected(number: u64) -> u64:
    result: u64 = 0
    for turn in range(u64(_TURNS)):
        result ^= _compute(number * _TURNS + turn)
    return result


def _sleep(task: ptr[Task]) -> None:
    """The task waits for a timer; its thread does not."""
    worker = task.worker
    _mask(worker)
    entry = Submission(
        operation=u8(Operation.TIMER), slot=u16(task.number), user_data=task.number,
        deadline_ns=monotonic_ns() + _SLEEP_NS,
    )
    _ = worker.ring.submit(addr(entry))
    _, _ = ring_enter(1, 0, 0)
    _leave_task(addr(task.registers), u64(worker.block.stack_top), worker)


def _mask(worker: ptr[Worker]) -> None:
    worker.block.disabled.store(1, "relaxed")


def _note_ready(worker: ptr[Worker], number: u64) -> None:
    worker.ready[worker.tail % _TASKS] = number
    worker.tail += 1


def _take_ready(worker: ptr[Worker]) -> u64:
    worker.head += 1
    return worker.ready[(worker.head - 1) % _TASKS]


def _take_completions(worker: ptr[Worker]) -> None:
    completion: Completion = zeroed()
    while worker.ring.take(addr(completion)):
        _note_ready(worker, completion.user_data)


def _upcall(block: ptr[UpcallBlock], reasons: u64, vectors: ptr[u8]) -> NoReturn:
    """The current task has been interrupted: it goes behind those that can run now."""
    worker = addr(_workers[0])
    for index in range(u64(_MOST_WORKERS)):
        if u64(_workers[index].block) == u64(block):
            worker = addr(_workers[index])
    task = addr(worker.tasks[worker.current])
    task.registers = copy(block.frame.registers)
    memory_copy(addr(task.vectors[0]), vectors, _VECTOR_BYTES)
    worker.upcalls += 1
    if reasons & Reason.PREEMPTED != 0:
        worker.preemptions += 1
    _take_completions(worker)
    _note_ready(worker, task.number)
    _schedule(worker)


def _schedule(worker: ptr[Worker]) -> NoReturn:
    """Runs the next task, the one that never waits only when there is no other.

    Requires: upcalls are masked; the current task is not needed on its stack.
    """
    _take_completions(worker)
    while worker.head == worker.tail:
        if worker.left.load("relaxed") == 0:
            exit_thread(0)
        worker.waits += 1
        _, _ = ring_enter(0, 1, 0)
        _take_completions(worker)
    number = _take_ready(worker)
    if number == 0 and worker.head != worker.tail and not _is_passing:
        _note_ready(worker, number)
        number = _take_ready(worker)
    worker.current = number
    task = addr(worker.tasks[worker.current])
    worker.block.frame.registers = copy(task.registers)
    _resume(addr(task.vectors[0]))


@naked
@asm_x64
def _entry() -> None:
    """The upcall's stack ends as after a call; vector registers are still the task's."""
    sub(rsp, _VECTOR_BYTES + 8)
    raw("fxsave [rsp]")
    mov(rdx, rsp)
    call(_upcall)
    ud2()


@naked
@asm_x64
def _leave_task(registers: ptr[ThreadRegisters], stack_top: u64, worker: ptr[Worker]) -> None:
    """Keeps what a function must keep, so that the task goes on as if this returned."""
    mov([rdi, _RBX], rbx)
    mov([rdi, _RBP], rbp)
    mov([rdi, _R12], r12)
    mov([rdi, _R13], r13)
    mov([rdi, _R14], r14)
    mov([rdi, _R15], r15)
    mov(rax, [rsp])
    mov([rdi, _RIP], rax)
    lea(rax, [rsp, 8])
    mov([rdi, _RSP], rax)
    mov(rsp, rsi)
    mov(rdi, rdx)
    call(_schedule)
    ud2()


@naked
@asm_x64
def _resume(vectors: ptr[u8]) -> NoReturn:
    raw("fxrstor [rdi]")
    mov(eax, _UPCALL_RETURN)
    syscall()
    ud2()


def _spin(index: u64) -> None:
    turns: u64 = 0
    while True:
        turns = turns + 1 if turns < 1000 else u64(0)
