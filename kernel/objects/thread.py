"""The thread object: made from an entry and a stack in a process, started, stopped, examined, ended.

Its own reference, held from its creation until it has ended, keeps the block while it runs.
"""
from typing import NoReturn

from compiler.prelude import addr, copy, noinline, ptr, sizeof, u32, u64
from kernel.abi.errors import Status
from kernel.abi.layout import USER_END
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause, ObjectKind
from kernel.abi.ring import FORBIDDABLE
from kernel.abi.thread import DEFAULT_PRIORITY, PRIORITIES, ThreadState
from kernel.arch.x86_64 import clock, cpu
from kernel.arch.x86_64.frame import USER_CODE, USER_DATA, USER_FLAGS
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.caps import lease as leases
from kernel.caps import reference, table
from kernel.caps.capability import Capability
from kernel.caps.object import Account, Object, State
from kernel.complete.post import forget_wait
from kernel.complete.ring_block import Ring
from kernel.core import answers, context, receive_rights, schedule, thread_changes, thread_list, throttle, wait
from kernel.core.cpu_queue import charge, ticks_of
from kernel.core.destruction import release, set_destroyer
from kernel.core.online import online
from kernel.core.process_block import Process
from kernel.core.thread_block import (
    AFFINITY_WORDS,
    KILLED,
    SUSPENDED,
    WAIT_KIND,
    Thread,
    Wait,
    current_thread,
    is_program_counter,
    prepare,
)
from kernel.objects import process as processes
from kernel.objects import ring as rings
from kernel.objects import upcall, vectors
from kernel.objects.creation import create, free
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.objects.notification import signal
from kernel.objects.notification_block import Notification
from kernel.objects.registers import read_registers, write_registers


def start() -> None:
    set_destroyer(ObjectKind.THREAD, destroy_thread)
    wait.end = end_thread
    throttle.start()


def create_thread(call: ptr[Invocation]) -> tuple[Status, u64]:
    """A thread that has not been started, paid for by the account that the call is about."""
    if not is_program_counter(call.arguments[1]) or call.arguments[2] > USER_END:
        return Status.BAD_ARGUMENT, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    account = ptr[Account](call.target())
    thread, created = make_thread(account, ptr[Process](call.argument_object(0)))
    if thread is None:
        table.give_back(addr(call.process.table), slot)
        return created, 0
    thread.registers.rip = call.arguments[1]
    thread.registers.rsp = call.arguments[2]
    thread.registers.rdi = call.arguments[3]
    return Status.OK, give_object(call.process, slot, addr(thread.header))


def make_thread(account: ptr[Account] | None, process: ptr[Process]) -> tuple[ptr[Thread] | None, Status]:
    """A thread without registers, not started, with a reference for the caller. Errors: OVER_LIMIT, NO_MEMORY,
    DESTROYED when the process has begun to end."""
    header, status = create(ObjectKind.THREAD, sizeof(Thread), account)
    if header is None:
        return None, status
    thread = ptr[Thread](header)
    thread.process = process
    thread.registers.cs = USER_CODE
    thread.registers.ss = USER_DATA
    thread.registers.rflags = USER_FLAGS
    priority = u32(DEFAULT_PRIORITY) if account is None else min(
        u32(DEFAULT_PRIORITY), account.highest_priority.load("relaxed")
    )
    prepare(thread, priority)
    thread.conditions.store(u64(cpu.index), "relaxed")
    thread.wait.store(Wait.NEW, "relaxed")
    if not thread_list.enlist(thread):
        free(header)
        return None, Status.DESTROYED
    _ = reference.take(header)
    return thread, Status.OK


def start_thread(thread: ptr[Thread]) -> bool:
    if not wait.claim(thread, Wait.NEW):
        return False
    schedule.make_ready(thread)
    return True


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    thread = ptr[Thread](call.target())
    first = call.arguments[0]
    match call.method:
        case Method.THREAD_START:
            return Status.OK if start_thread(thread) else Status.BUSY, 0
        case Method.THREAD_SUSPEND:
            return Status.OK if wait.set_condition(thread, SUSPENDED) else Status.BUSY, 0
        case Method.THREAD_RESUME:
            wait.clear_condition(thread, SUSPENDED)
            return Status.OK, 0
        case Method.THREAD_KILL:
            kill_thread(thread, first)
            return Status.OK, 0
        case Method.THREAD_SET_PRIORITY:
            return _set_priority(thread, first), 0
        case Method.THREAD_SET_AFFINITY:
            return _set_affinity(thread, first, call.arguments[1]), 0
        case Method.THREAD_SET_BASES:
            return _set_bases(thread, first, call.arguments[1]), 0
        case Method.THREAD_READ_REGISTERS:
            return read_registers(thread, first) if _is_off_cpu(thread) else Status.BUSY, 0
        case Method.THREAD_WRITE_REGISTERS:
            return _write_registers(thread, first), 0
        case Method.THREAD_STATE:
            return Status.OK, u64(_state_of(thread))
        case Method.THREAD_CPU_TIME:
            return Status.OK, clock.ns_of(ticks_of(thread))
        case Method.THREAD_SET_EXCEPTION_CHANNEL:
            return _set_exception_channel(thread, addr(call.objects[0])), 0
        case Method.THREAD_ARM_UPCALLS:
            return upcall.arm(thread, first), 0
        case Method.THREAD_CREATE_RING:
            return _create_ring(thread, call), 0
        case Method.RING_DESTROY:
            ring = _take_ring(thread)
            if ring is None:
                return Status.WOULD_BLOCK, 0
            rings.end_ring(ring, Status.DESTROYED)
            return Status.OK, 0
        case Method.THREAD_NOTIFY_EXIT:
            return _watch_exit(thread, call.argument_object(0), call.arguments[1]), 0
        case _:
            if _state_of(thread) != ThreadState.ENDED:
                return Status.WOULD_BLOCK, 0
            return Status.OK, thread.exit_status


def kill_thread(thread: ptr[Thread], status: u64) -> None:
    """Ends a thread of any state soon, at a priority that other threads cannot hold up for ever."""
    with thread.process.lock:
        if thread.wait.load("relaxed") != Wait.DEAD:
            thread.exit_status = status
    thread.own_priority = max(max(thread.priority, current_thread().priority), DEFAULT_PRIORITY)
    thread_changes.update_priority(thread)
    _ = wait.kill(thread)


def exit_thread(status: u64) -> NoReturn:
    """The end of the thread that this CPU runs, by its own wish: at once, as nobody else can be ending it."""
    thread = current_thread()
    with thread.process.lock:
        thread.exit_status = status
    _ = thread.conditions.fetch_or(KILLED, "seq_cst")
    charge(thread)
    end_thread(thread)
    schedule.leave()


def end_by_owner(thread: ptr[Thread]) -> None:
    """Destroyed: killed, and nothing more can be done with it than to learn how it ended."""
    thread.header.state.store(State.DYING, "seq_cst")
    kill_thread(thread, 0)


def end_thread(thread: ptr[Thread]) -> None:
    """The end of a killed thread, on the CPU whose turn it was to run it."""
    process = thread.process
    vectors.free_state(thread)
    throttle.forget(thread)
    ring = _take_ring(thread)
    if ring is not None:
        rings.end_ring(ring, Status.CLOSED)
    answers.fail_answer(addr(thread.answer), Status.PEER_CLOSED)
    _ = leases.remove_use(addr(thread.receive_use))
    is_last = thread_list.delist(thread)
    if is_last:
        processes.end_process(process, ExitCause.LAST_THREAD, thread.exit_status)
    with process.lock:
        thread.wait.store(Wait.DEAD, "seq_cst")
        watcher = thread.exit_watcher
        thread.exit_watcher = None
    if watcher is not None:
        signal(ptr[Notification](watcher), thread.exit_bits)
        release(watcher)
    channel = thread.exceptions.object
    if channel is not None:
        thread.exceptions.object = None
        release(channel)
    processes.drop_hold(process)
    receive_rights.refuse_orphans(process)
    release(addr(thread.header))
    release(addr(process.header))


def destroy_thread(header: ptr[Object]) -> bool:
    free(header)
    return True


def _state_of(thread: ptr[Thread]) -> ThreadState:
    match thread.wait.load("acquire") & WAIT_KIND:
        case Wait.NONE:
            return ThreadState.RUNNABLE
        case Wait.NEW:
            return ThreadState.NEW
        case Wait.PARKED:
            return ThreadState.STOPPED
        case Wait.DEAD:
            return ThreadState.ENDED
        case _:
            return ThreadState.WAITING


def _is_off_cpu(thread: ptr[Thread]) -> bool:
    """Whether its registers keep still: it has not started, waits, is stopped, or has ended."""
    return thread.wait.load("seq_cst") != Wait.NONE


def _hold(thread: ptr[Thread]) -> bool:
    """Returns whether the caller may change what is the thread's own: it is the thread, or the thread is held."""
    return thread == current_thread() or wait.hold(thread)


def _let_go(thread: ptr[Thread]) -> None:
    if thread != current_thread():
        wait.let_go(thread)


def _write_registers(thread: ptr[Thread], source: u64) -> Status:
    if not wait.hold(thread):
        return Status.BUSY
    status = write_registers(thread, source)
    if status == Status.OK:
        forget_wait(thread)
    wait.let_go(thread)
    return status


def _set_priority(thread: ptr[Thread], priority: u64) -> Status:
    if priority >= PRIORITIES:
        return Status.BAD_ARGUMENT
    account = thread.header.account
    if account is not None and priority > u64(account.highest_priority.load("relaxed")):
        return Status.OVER_LIMIT
    thread_list.note_priority(thread.process, u32(priority))
    thread.own_priority = u32(priority)
    thread_changes.update_priority(thread)
    return Status.OK


def _set_affinity(thread: ptr[Thread], group: u64, mask: u64) -> Status:
    """Sets which of the 64 CPUs of a group the thread may run on."""
    if group >= AFFINITY_WORDS:
        return Status.BAD_ARGUMENT
    allowed = mask & online[group].load("relaxed")
    for word in range(u64(AFFINITY_WORDS)):
        if word != group:
            allowed |= thread.affinity[word].load("relaxed") & online[word].load("relaxed")
    if allowed == 0:
        return Status.BAD_ARGUMENT
    thread.affinity[group].store(mask, "seq_cst")
    thread_changes.relocate(thread)
    return Status.OK


def _set_bases(thread: ptr[Thread], fs_base: u64, gs_base: u64) -> Status:
    if fs_base >= USER_END or gs_base >= USER_END:
        return Status.BAD_ARGUMENT
    if thread == current_thread():
        context.set_bases(thread, fs_base, gs_base)
        context.load_bases(thread)
        return Status.OK
    if not wait.hold(thread):
        return Status.BUSY
    context.set_bases(thread, fs_base, gs_base)
    wait.let_go(thread)
    return Status.OK


def _create_ring(thread: ptr[Thread], call: ptr[Invocation]) -> Status:
    """A thread has one ring, from before it starts or by its own wish."""
    account = thread.header.account
    forbidden = call.arguments[2]
    if account is None or call.arguments[0] & (PAGE_BYTES - 1) != 0 or forbidden & ~u64(FORBIDDABLE) != 0:
        return Status.BAD_ARGUMENT
    if not _hold(thread):
        return Status.BUSY
    status = Status(Status.BUSY)
    if thread.ring is None:
        status = _add_ring(thread, account, call)
    _let_go(thread)
    return status


def _add_ring(thread: ptr[Thread], account: ptr[Account], call: ptr[Invocation]) -> Status:
    ring, status = rings.create_ring(account, call.arguments[1])
    if ring is None:
        return status
    ring.forbidden = u32(call.arguments[2])
    status = rings.map_ring(ring, thread.process, call.arguments[0])
    if status != Status.OK:
        release(addr(ring.header))
        return status
    ring.thread = addr(thread.header)
    thread.ring = ring
    return Status.OK


def _take_ring(thread: ptr[Thread]) -> ptr[Ring] | None:
    """Parts a thread from its ring, whose end the caller sees to."""
    with thread.process.lock:
        ring = thread.ring
        thread.ring = None
    return ring


def _watch_exit(thread: ptr[Thread], watcher: ptr[Object], bits: u64) -> Status:
    """A thread that has ended tells at once."""
    if bits == 0:
        return Status.BAD_ARGUMENT
    if thread.wait.load("acquire") == Wait.DEAD:
        signal(ptr[Notification](watcher), bits)
        return Status.OK
    with thread.process.lock:
        if thread.wait.load("relaxed") == Wait.DEAD:
            signal(ptr[Notification](watcher), bits)
        elif thread.exit_watcher is not None or not reference.take(watcher):
            return Status.BUSY
        else:
            thread.exit_bits = bits
            thread.exit_watcher = watcher
    return Status.OK


def _set_exception_channel(thread: ptr[Thread], given: ptr[Capability]) -> Status:
    """None takes it away. Only while the thread cannot raise exceptions, or by itself."""
    channel = given.object
    if not _hold(thread):
        return Status.BUSY
    if channel is not None and not reference.take(channel):
        _let_go(thread)
        return Status.DESTROYED
    previous = thread.exceptions.object
    thread.exceptions = copy(given[0])
    _let_go(thread)
    if previous is not None:
        release(previous)
    return Status.OK
