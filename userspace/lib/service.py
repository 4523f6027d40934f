"""Receiving calls as a task: the loop waits for calls and completions at once when nothing else is to do.

One task of a program receives, one call at a time: the next one is received once the last has been answered.
"""
from compiler.prelude import addr, copy, panic, ptr, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.ring import Operation as Opcode
from kernel.abi.ring import Submission
from userspace.lib import reactor
from userspace.lib.asyncio import loop
from userspace.lib.asyncio.task import TaskBase, has_ready, make_ready, park, running
from userspace.lib.channel import Message, reply_receive
from userspace.lib.protocol import Call
from userspace.lib.reactor import Operation

_channel: u64 = 0
_task: ptr[TaskBase] | None = None
_call: Call = zeroed()
_has_come: bool = False
_status: Status = Status.OK
_timer: Operation = zeroed()            # ends the wait when a task has slept long enough
_timer_ns: u64 = 0                      # its deadline, 0: it is not in flight


async def receive(channel: u64, call: ptr[Call]) -> None:
    """Waits for a call. Errors: ConnectionError, when nothing can come over this channel any more."""
    global _channel, _task, _has_come
    _channel = channel
    _task = running()
    _has_come = False
    loop.wait_for_events = _wait
    loop.is_receiving = True
    try:
        while not _has_come:
            await park()
    finally:
        loop.wait_for_events = reactor.wait
        loop.is_receiving = False
    if _status != Status.OK:
        raise ConnectionError("nothing can be received")
    call[0] = copy(_call)


def _wait(deadline_ns: u64) -> None:
    global _has_come, _status, _call
    _set_timer(deadline_ns)
    reactor.flush()
    if has_ready():
        return
    message = Message()
    status, badge = reply_receive(_channel, addr(message))
    if status == Status.EVENTS:
        reactor.take_completions()
        return
    _call = Call(
        number=message.word0, word1=message.word1, word2=message.word2, word3=message.word3, badge=badge
    )
    _status = status
    _has_come = True
    task = _task
    if task is None:
        panic("a call came that no task waits for")
    make_ready(task)


def _set_timer(deadline_ns: u64) -> None:
    """Has a completion come at the deadline, for which a receive cannot wait by itself."""
    global _timer_ns
    if deadline_ns == _timer_ns or not reactor.has_free_slot():
        return
    if _timer_ns != 0:
        reactor.cancel(addr(_timer))
    _timer_ns = deadline_ns
    if deadline_ns != 0:
        entry = Submission(operation=u8(Opcode.TIMER), deadline_ns=deadline_ns)
        _timer.wake = _end_timer
        reactor.submit(addr(entry), addr(_timer))


def _end_timer(operation: ptr[Operation]) -> None:
    global _timer_ns
    _timer_ns = 0
