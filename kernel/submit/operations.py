"""The operations: what begins when a submission has been accepted.

An operation that ends at once is finished here; another one is left PENDING on its object or its timer. A record
belongs to this file until its state is PENDING; from then on to whoever claims it (complete/finish.py).
"""
from collections.abc import Callable

from compiler.prelude import addr, const, panic, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import Operation, SubmissionFlags
from kernel.arch.x86_64 import clock
from kernel.caps import table
from kernel.caps.capability import Capability
from kernel.complete import deferral, finish
from kernel.complete.messages import withdraw as withdraw_message
from kernel.complete.ring_block import Record, RecordState
from kernel.core.process_block import Process
from kernel.objects import notification as notifications
from kernel.objects.notification_block import Notification
from kernel.objects.watch import add_watch, remove_watch
from kernel.submit import attachment, copying, messages
from kernel.submit.attachment import arm_deadline, attach, process_of

_PERSISTENT_NO_WAIT = const(SubmissionFlags.PERSISTENT | SubmissionFlags.NO_WAIT)

Invoke = Callable[[ptr[Process], u64, u64, ptr[u64]], tuple[Status, u64]]


def _no_invoke(caller: ptr[Process], handle: u64, method: u64, arguments: ptr[u64]) -> tuple[Status, u64]:
    panic("an operation was invoked before there was anything to invoke it")


def _no_invocation(record: ptr[Record]) -> None:
    panic("an invocation was put off before there was anything to carry it out")


invoke: Invoke = _no_invoke             # entry/invoke.py
# submit/invocations.py
put_off_invocation: Callable[[ptr[Record]], None] = _no_invocation
withdraw_invocation: Callable[[ptr[Record]], None] = _no_invocation


def start(invoke_method: Invoke) -> None:
    global invoke
    invoke = invoke_method
    finish.start_record = _begin_linked
    attachment.start(withdraw)
    copying.start()


def _begin_linked(record: ptr[Record]) -> None:
    """When the operation before it in its chain has ended, on any CPU."""
    if record.operation == Operation.INVOKE:
        put_off_invocation(record)
    else:
        begin(record)


def begin(record: ptr[Record]) -> None:
    """Carries out an accepted operation, or leaves it waiting.

    Requires: the record is CLAIMED; this CPU runs the ring's thread if it is an invocation.
    """
    match record.operation:
        case Operation.NOP:
            finish.finish(record, Status.OK, 0)
        case Operation.TIMER:
            _begin_timer(record)
        case Operation.INVOKE:
            deferral.begin(record)
            status, value = invoke(process_of(record), record.capability, u64(record.length), addr(record.words[0]))
            if deferral.end():
                finish.finish(record, status, value)
        case Operation.SIGNAL:
            finish.finish(record, _signal(record), 0)
        case Operation.WATCH:
            _begin_watch(record)
        case Operation.CALL | Operation.SEND:
            messages.begin_message(record)
        case Operation.RECEIVE:
            messages.begin_receive(record)
        case Operation.REPLY:
            messages.begin_reply(record)
        case Operation.COPY:
            copying.begin_copy(record)
        case _:
            messages.begin_set_buffer(record)


def withdraw(record: ptr[Record]) -> None:
    """Takes a claimed operation off the object that it waits on."""
    if record.operation == Operation.INVOKE:
        withdraw_invocation(record)
        return
    target = record.target
    if target is None:
        return
    if record.operation == Operation.WATCH:
        remove_watch(ptr[Notification](target), record)
    elif record.operation == Operation.COPY:
        copying.withdraw(record)
    else:
        withdraw_message(record)


def _begin_timer(record: ptr[Record]) -> None:
    if record.deadline_ns == 0:
        finish.finish(record, Status.BAD_ARGUMENT, 0)
    elif record.deadline_ns <= clock.now_ns():
        finish.finish(record, Status.OK, clock.now_ns())
    else:
        arm_deadline(record)
        record.state.store(RecordState.PENDING, "release")


def _signal(record: ptr[Record]) -> Status:
    found = Capability()
    status = table.lookup(
        addr(process_of(record).table), record.capability, u32(ObjectKind.NOTIFICATION), u32(Right.SIGNAL), addr(found)
    )
    if status != Status.OK:
        return status
    bits = record.words[0]
    if bits == 0 or found.badge != 0 and bits & ~found.badge != 0:
        return Status.BAD_ARGUMENT
    notifications.signal(ptr[Notification](found.object), bits)
    return Status.OK


def _begin_watch(record: ptr[Record]) -> None:
    status = attach(record, ObjectKind.NOTIFICATION, Right.WAIT)
    if status == Status.OK and (record.words[0] == 0 or record.flags & _PERSISTENT_NO_WAIT == _PERSISTENT_NO_WAIT):
        status = Status.BAD_ARGUMENT
    if status != Status.OK:
        finish.finish(record, status, 0)
        return
    bits, is_waiting = add_watch(ptr[Notification](record.target), record)
    if not is_waiting:
        finish.finish(record, Status.OK if bits != 0 else Status.WOULD_BLOCK, bits)
