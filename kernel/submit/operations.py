"""The operations: what begins when a submission has been accepted.

An operation that ends at once is finished here; another one is left PENDING on its object or its timer. A record
belongs to this file until its state is PENDING; from then on to whoever claims it (complete/finish.py).
"""
from collections.abc import Callable

from compiler.prelude import addr, const, offsetof, panic, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import Operation
from kernel.arch.x86_64 import clock
from kernel.caps import reference, table
from kernel.caps.capability import Capability
from kernel.complete import deferral, finish
from kernel.complete.ring_block import Record, RecordState
from kernel.core import alarm
from kernel.core.process_block import Process
from kernel.core.thread_block import Thread
from kernel.core.timers import Timer
from kernel.objects import notification as notifications
from kernel.objects.notification_block import Notification
from kernel.objects.watch import add_watch, remove_watch

Invoke = Callable[[ptr[Process], u64, u64, ptr[u64]], tuple[Status, u64]]
_TIMER = const(offsetof(Record, "timer"))


def _no_invoke(caller: ptr[Process], handle: u64, method: u64, arguments: ptr[u64]) -> tuple[Status, u64]:
    panic("an operation was invoked before there was anything to invoke it")


invoke: Invoke = _no_invoke             # entry/invoke.py


def start(invoke_method: Invoke) -> None:
    global invoke
    invoke = invoke_method
    finish.start_record = begin


def begin(record: ptr[Record]) -> None:
    """Carries out an accepted operation, or leaves it waiting. Requires: the record is CLAIMED."""
    match record.operation:
        case Operation.NOP:
            finish.finish(record, Status.OK, 0)
        case Operation.TIMER:
            _begin_timer(record)
        case Operation.INVOKE:
            deferral.begin(record)
            status, value = invoke(_process_of(record), record.capability, u64(record.length), addr(record.words[0]))
            if deferral.end():
                finish.finish(record, status, value)
        case Operation.SIGNAL:
            finish.finish(record, _signal(record), 0)
        case _:
            _begin_watch(record)


def withdraw(record: ptr[Record]) -> None:
    """Takes a claimed operation off the object that it waits on."""
    target = record.target
    if record.operation == Operation.WATCH and target is not None:
        remove_watch(ptr[Notification](target), record)


def _begin_timer(record: ptr[Record]) -> None:
    if record.deadline_ns == 0:
        finish.finish(record, Status.BAD_ARGUMENT, 0)
    elif record.deadline_ns <= clock.now_ns():
        finish.finish(record, Status.OK, clock.now_ns())
    else:
        _arm(record)
        record.state.store(RecordState.PENDING, "release")


def _arm(record: ptr[Record]) -> None:
    """Starts the timer of a deadline. Its action comes on this CPU, not before the kernel is left."""
    record.timer.deadline_ns = record.deadline_ns
    record.timer.action = _expire
    alarm.start_timer(addr(record.timer))


def _expire(timer: ptr[Timer]) -> None:
    record = ptr[Record](u64(timer) - _TIMER)
    with record.ring.lock:
        # The operation may have ended meanwhile and its record serve another, whose deadline has not come. Records
        # change hands under this lock only, so what is claimed is what has been looked at.
        is_due = record.deadline_ns != 0 and record.deadline_ns <= clock.now_ns()
        is_mine = is_due and finish.claim(record)
    if is_mine:
        withdraw(record)
        status: Status = Status.OK if record.operation == Operation.TIMER else Status.TIMEOUT
        finish.finish(record, status, clock.now_ns())


def _signal(record: ptr[Record]) -> Status:
    found = Capability()
    status = _look_up(record, Right.SIGNAL, addr(found))
    if status != Status.OK:
        return status
    bits = record.words[0]
    if bits == 0 or found.badge != 0 and bits & ~found.badge != 0:
        return Status.BAD_ARGUMENT
    notifications.signal(ptr[Notification](found.object), bits)
    return Status.OK


def _begin_watch(record: ptr[Record]) -> None:
    found = Capability()
    status = _look_up(record, Right.WAIT, addr(found))
    if status == Status.OK and record.words[0] == 0:
        status = Status.BAD_ARGUMENT
    target = found.object
    if status == Status.OK and target is not None and not reference.take(target):
        status = Status.DESTROYED
    if status != Status.OK:
        finish.finish(record, status, 0)
        return
    record.target = target
    record.lease = found.lease
    record.epoch = found.epoch
    if record.deadline_ns != 0:
        _arm(record)
    bits, is_waiting = add_watch(ptr[Notification](found.object), record)
    if not is_waiting:
        finish.finish(record, Status.OK, bits)


def _look_up(record: ptr[Record], right: Right, found: ptr[Capability]) -> Status:
    """The notification that a submission names."""
    return table.lookup(
        addr(_process_of(record).table), record.capability, u32(ObjectKind.NOTIFICATION), u32(right), found
    )


def _process_of(record: ptr[Record]) -> ptr[Process]:
    thread = ptr[Thread](record.ring.thread)
    return thread.process
