"""The Console object: its holder has the screen and the serial line, and shows the lines of the log.

The kernel has them again when the last reference to it goes. Who takes the console while somebody else has it has it
from then on.
Not here: what becomes of the lines (core/log.py).
"""
from compiler.prelude import addr, noinline, percpu, percpu_address, ptr, sizeof, struct, u8, u64, wrap_add
from kernel.abi.errors import Status
from kernel.abi.log import LogRecord
from kernel.abi.objects import ObjectKind
from kernel.abi.thread import PRIORITIES
from kernel.arch.x86_64 import cpu
from kernel.caps import reference, table
from kernel.caps.object import Account, Object
from kernel.core import log, log_lines, work
from kernel.core.destruction import release, set_destroyer
from kernel.core.work_block import Work
from kernel.memory.usercopy import copy_to_user
from kernel.objects.creation import create, free
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.objects.notification import signal
from kernel.objects.notification_block import Notification


@struct
class Console:
    header: Object
    notification: ptr[Notification]     # with a reference
    bits: u64


def _signal(record: ptr[Work]) -> bool:
    """Tells the holder that there are lines; work of its own, because lines are written under locks of any rank."""
    notification: ptr[Notification] | None = None
    bits: u64 = 0
    with log.console_lock:
        if log.holder != 0:
            console = ptr[Console](log.holder)
            bits = console.bits
            notification = console.notification
            # The Console lets go of it only after the console has been taken back.
            _ = reference.take(addr(notification.header))
    if notification is not None:
        signal(notification, bits)
        release(addr(notification.header))
    return True


_work: percpu[Work] = Work(run=_signal, priority=PRIORITIES - 1)


def start() -> None:
    set_destroyer(ObjectKind.CONSOLE, destroy_console)
    log.holder_has_lines = _note_lines


def create_console(call: ptr[Invocation]) -> tuple[Status, u64]:
    """On the System object. Errors: BAD_ARGUMENT, OVER_LIMIT, NO_MEMORY, DESTROYED."""
    notification = call.argument_object(1)
    if call.arguments[2] == 0:
        return Status.BAD_ARGUMENT, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    header, status = create(ObjectKind.CONSOLE, sizeof(Console), ptr[Account](call.argument_object(0)))
    if header is not None and not reference.take(notification):
        free(header)
        header = None
        status = Status(Status.DESTROYED)
    if header is None:
        table.give_back(addr(call.process.table), slot)
        return status, 0
    console = ptr[Console](header)
    console.notification = ptr[Notification](notification)
    console.bits = call.arguments[2]
    log.hand_over(u64(console))
    return Status.OK, give_object(call.process, slot, header)


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    """CONSOLE_READ_LINE. Where there is no line the record is empty."""
    console = u64(call.target())
    record = LogRecord()
    status, times = log.read_line(console, addr(record))
    record.level &= log_lines.LEVEL_BITS
    if not copy_to_user(call.arguments[0], ptr[u8](addr(record)), sizeof(LogRecord)):
        log.unread_line(console)
        return Status.BAD_ADDRESS, 0
    return status, times


def destroy_console(header: ptr[Object]) -> bool:
    log.take_back(u64(header))
    release(addr(ptr[Console](header).notification.header))
    free(header)
    return True


def _note_lines() -> None:
    record = ptr[Work](wrap_add(cpu.base, percpu_address(_work)))
    if not record.is_queued:
        work.add(record)
