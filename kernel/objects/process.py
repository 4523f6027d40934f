"""The life of a process: made empty, filled from parts, ended by its exit, its last thread, a fault or a killer.

The end is in steps, each in slices: capabilities are closed, then the table and the address space go, then whoever
asked is told. The block itself stays until the last reference to it goes. The machine ends with the first process.
Locks: _list (Rank.PROCESSES) guards the list of processes, Process.lock (Rank.PROCESS) the exit.
"""
from enum import IntEnum
from typing import NoReturn

from compiler.prelude import addr, array, const, copy, noinline, panic, ptr, sizeof, span, u8, u32, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause, ObjectKind, ProcessState
from kernel.abi.system import KernelState
from kernel.caps import reference, table
from kernel.caps.capability import Capability
from kernel.caps.object import Account, Object, State
from kernel.core import log, schedule, state, thread_list
from kernel.core.destruction import begin_end, release, set_destroyer
from kernel.core.line import Line
from kernel.core.machine_end import stop_machine
from kernel.core.process_block import NAME_BYTES, Process
from kernel.core.thread_block import current_thread
from kernel.memory import address_space
from kernel.memory.usercopy import copy_from_user
from kernel.objects import unmapping
from kernel.objects.creation import create, free
from kernel.objects.handles import drop_capability, free_table_page, give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.objects.mapping import page_state
from kernel.objects.notification import signal
from kernel.objects.notification_block import Notification
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock


class EndStep(IntEnum):
    """What the end of a process does next."""
    CLOSE_HANDLES = 0
    FREE_TABLE = 1
    LEAVE_SPACE = 2
    FREE_MEMORY = 3
    DONE = 4


newest_process: ptr[Process] | None = None      # of the list of all
machine_process: ptr[Process] | None = None     # the first one, with which the machine ends

_list: SpinLock = SpinLock(rank=Rank.PROCESSES)
_HANDLES_PER_SLICE = const(64)


def start() -> None:
    set_destroyer(ObjectKind.PROCESS, destroy_process)


def create_process(call: ptr[Invocation]) -> tuple[Status, u64]:
    """An empty process, paid for by the account that the call is about."""
    length = call.arguments[1]
    if length > NAME_BYTES:
        return Status.BAD_ARGUMENT, 0
    if state.current() == KernelState.SHUTTING_DOWN:
        return Status.BUSY, 0
    name: array[u8, NAME_BYTES] = zeroed()
    if not copy_from_user(ptr[u8](addr(name)), call.arguments[0], length):
        return Status.BAD_ADDRESS, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    process, created = make_process(ptr[Account](call.target()), span(ptr[u8](addr(name)), length))
    if process is None:
        table.give_back(addr(call.process.table), slot)
        return created, 0
    parent = call.argument_object(2)
    if reference.take(parent):
        process.parent = parent
    return Status.OK, give_object(call.process, slot, addr(process.header))


def make_process(account: ptr[Account] | None, name: span[u8]) -> tuple[ptr[Process] | None, Status]:
    """A process without threads and capabilities. Errors: OVER_LIMIT, NO_MEMORY."""
    header, status = create(ObjectKind.PROCESS, sizeof(Process), account)
    if header is None:
        return None, status
    process = ptr[Process](header)
    if not address_space.create(addr(process.space)):
        free(header)
        return None, Status.NO_MEMORY
    process.lock.rank = Rank.PROCESS
    process.table.lock.rank = Rank.TABLE
    table.prepare(addr(process.table))
    process.holds.store(1, "relaxed")
    for index in range(len(name)):
        process.name[index] = name[index]
    process.name_length = u32(len(name))
    _enlist(process)
    return process, Status.OK


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    process = ptr[Process](call.target())
    match call.method:
        case Method.PROCESS_KILL:
            thread_list.note_priority(process, current_thread().priority)
            end_process(process, ExitCause.KILLED, call.arguments[0])
            return Status.OK, 0
        case Method.PROCESS_FREEZE:
            thread_list.note_priority(process, current_thread().priority)
            thread_list.freeze(process)
            return Status.OK, 0
        case Method.PROCESS_THAW:
            thread_list.thaw(process)
            return Status.OK, 0
        case Method.PROCESS_UNMAP:
            return unmapping.unmap(process, call.arguments[0], call.arguments[1]), 0
        case Method.PROCESS_PROTECT:
            return unmapping.protect(process, call.arguments[0], call.arguments[1]), 0
        case Method.PROCESS_PAGE_STATE:
            return page_state(process, call.arguments[0])
        case Method.PROCESS_STATE:
            return Status.OK, u64(state_of(process))
        case Method.PROCESS_SET_EXCEPTION_CHANNEL:
            return _set_exception_channel(process, addr(call.objects[0])), 0
        case Method.PROCESS_NOTIFY_EXIT:
            return _watch_exit(process, call.argument_object(0), call.arguments[1]), 0
        case _:
            if not has_ended(process):
                return Status.WOULD_BLOCK, 0
            is_status = call.method == Method.PROCESS_EXIT_STATUS
            return Status.OK, process.exit_status if is_status else u64(process.exit_cause)


def state_of(process: ptr[Process]) -> ProcessState:
    if has_ended(process):
        return ProcessState.ENDED
    if process.header.state.load("acquire") != State.ALIVE:
        return ProcessState.ENDING
    with process.lock:
        is_frozen = process.is_frozen.load("relaxed") != 0 and not process.is_sweeping
    return ProcessState.FROZEN if is_frozen else ProcessState.RUNNING


def has_ended(process: ptr[Process]) -> bool:
    return process.end_step.load("acquire") == EndStep.DONE


def end_current(cause: ExitCause, status: u64) -> NoReturn:
    """Ends the process whose thread this CPU runs."""
    process = current_thread().process
    if process == machine_process:
        _report(process, status)
        stop_machine(status == 0)
    thread_list.kill_one(current_thread())
    end_process(process, cause, status)
    schedule.look()
    panic("a thread went on after the end of its process")


def end_process(process: ptr[Process], cause: ExitCause, status: u64) -> None:
    """Begins the end; what has begun already keeps its cause."""
    if process == machine_process:
        _report(process, status)
        stop_machine(cause == ExitCause.EXIT and status == 0)
    with process.lock:
        if process.header.state.load("relaxed") != State.ALIVE:
            return
        process.exit_status = status
        process.exit_cause = u32(cause)
        process.header.state.store(State.DYING, "seq_cst")
    thread_list.sweep(process)
    drop_hold(process)


def drop_hold(process: ptr[Process]) -> None:
    """A thread has ended, or the process has begun to. After the last of them nothing of it runs any more."""
    if process.holds.fetch_sub(1, "acq_rel") == 1 and reference.take(addr(process.header)):
        begin_end(addr(process.header))


def destroy_process(header: ptr[Object]) -> bool:
    """Queued by the end of the process, with a reference of the queue's own, and by its last reference.

    A process that never had a thread comes here by its last reference alone.
    """
    process = ptr[Process](header)
    match process.end_step.load("relaxed"):
        case EndStep.CLOSE_HANDLES:
            _close_handles(process)
            return False
        case EndStep.FREE_TABLE:
            if not free_table_page(process):
                process.end_step.store(EndStep.LEAVE_SPACE, "relaxed")
            return False
        case EndStep.LEAVE_SPACE:
            if not unmapping.leave_space(process):
                return False
            process.end_step.store(EndStep.FREE_MEMORY, "relaxed")
            # A CPU says that it has another space before it has left the tables of this one (I-MEM-7).
            begin_end(header)
            return True
        case EndStep.FREE_MEMORY:
            if unmapping.end_space(process):
                _finish(process)
            return False
    if header.references.load("acquire") != 0:
        release(header)
        return True
    _delist(process)
    free(header)
    return True


def _close_handles(process: ptr[Process]) -> None:
    removed = Capability()
    for _ in range(_HANDLES_PER_SLICE):
        if process.cursor == process.table.slots.load("relaxed"):
            process.end_step.store(EndStep.FREE_TABLE, "relaxed")
            return
        cursor, is_found = table.take_next(addr(process.table), process.cursor, addr(removed))
        process.cursor = cursor
        if is_found:
            drop_capability(process, addr(removed))


def _finish(process: ptr[Process]) -> None:
    """Tells that the process has ended, and lets go of what it refers to."""
    parent = process.parent
    if parent is not None:
        release(parent)
        process.parent = None
    with process.lock:
        channel = process.exceptions.object
        process.exceptions.object = None
        watcher = process.exit_watcher
        process.exit_watcher = None
        process.end_step.store(EndStep.DONE, "release")
    if channel is not None:
        release(channel)
    if watcher is not None:
        signal(ptr[Notification](watcher), process.exit_bits)
        release(watcher)


def _set_exception_channel(process: ptr[Process], given: ptr[Capability]) -> Status:
    """None takes it away."""
    channel = given.object
    if channel is not None and not reference.take(channel):
        return Status.DESTROYED
    with process.lock:
        previous = process.exceptions.object
        process.exceptions = copy(given[0])
    if previous is not None:
        release(previous)
    return Status.OK


def _watch_exit(process: ptr[Process], watcher: ptr[Object], bits: u64) -> Status:
    """A process that has ended tells at once."""
    if bits == 0:
        return Status.BAD_ARGUMENT
    with process.lock:
        if has_ended(process):
            signal(ptr[Notification](watcher), bits)
        elif process.exit_watcher is not None or not reference.take(watcher):
            return Status.BUSY
        else:
            process.exit_bits = bits
            process.exit_watcher = watcher
    return Status.OK


def _enlist(process: ptr[Process]) -> None:
    global newest_process
    with _list:
        following = newest_process
        process.next = following
        if following is not None:
            following.previous = process
        newest_process = process


def _delist(process: ptr[Process]) -> None:
    global newest_process
    with _list:
        following = process.next
        previous = process.previous
        if following is not None:
            following.previous = previous
        if previous is not None:
            previous.next = following
        else:
            newest_process = following


def _report(process: ptr[Process], status: u64) -> None:
    line = Line()
    line.text("exit: ")
    line.untrusted(process.name_text())
    line.text(" status=")
    line.decimal(status)
    log.write(addr(line))
