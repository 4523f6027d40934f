"""Exceptions of user programs: a call for the thread on its exception channel, or the end of its process.

The thread's own channel is asked first, then its process's, then those of the process's ancestors. A channel whose
handler is the thread itself, or waits for it, is passed over: it could never answer.
"""
from typing import NoReturn

from compiler.prelude import addr, ptr, u64
from kernel.abi.errors import Status
from kernel.abi.fault import LARGEST_CHAIN
from kernel.abi.objects import ExitCause
from kernel.arch.x86_64 import traps
from kernel.caps.object import Object
from kernel.core import calls, log, schedule, wait
from kernel.core.channel_block import LEVELS, Channel
from kernel.core.line import Line
from kernel.core.process_block import Process
from kernel.core.thread_block import FAULT_CALL, Thread, Wait, current_thread
from kernel.objects import vectors
from kernel.objects.process import end_current, end_process
from x86_64.registers import read_cr2


def start() -> None:
    wait.refuse_fault = _refuse


def handle_exception() -> None:
    """Returns if the current thread goes on at once."""
    thread = current_thread()
    vector = thread.registers.vector & 0xFF
    thread.fault_address = read_cr2() if vector == traps.PAGE_FAULT else 0
    if vector == traps.NO_VECTOR_UNIT and vectors.begin_use(thread):
        return
    ask_or_end()


def ask_or_end() -> NoReturn:
    """Requires: the current thread's registers tell its exception."""
    thread = current_thread()
    _ask(thread, thread.exception_channel, thread.exception_badge)
    process = thread.process
    for _ in range(LARGEST_CHAIN):
        _ask(thread, process.exception_channel, process.exception_badge)
        parent = process.parent
        if parent is None:
            break
        process = ptr[Process](parent)
    _report(thread)
    end_current(ExitCause.EXCEPTION, thread.registers.vector & 0xFF)


def _ask(thread: ptr[Thread], header: ptr[Object] | None, badge: u64) -> None:
    """Does not return if the channel takes the call."""
    if header is None:
        return
    channel = ptr[Channel](header)
    if not _is_circle(thread, channel):
        if calls.begin_call(thread, channel, badge, LEVELS - 1, Wait.FAULT) == Status.OK:
            schedule.leave()


def _is_circle(thread: ptr[Thread], channel: ptr[Channel]) -> bool:
    """Whether nobody waits on the channel but its receiver is the thread, or waits, perhaps indirectly, for it."""
    if channel.receiver.load("acquire") != 0 or channel.receivers is not None:
        return False
    handler = thread
    for _ in range(LARGEST_CHAIN):
        if handler.received_from == u64(channel):
            return True
        asked = handler.answer.caller.load("acquire")
        if asked == 0:
            return False
        handler = ptr[Thread](asked & ~u64(FAULT_CALL))
    return True


def _refuse(thread: ptr[Thread]) -> None:
    """Its handler said so, or is gone."""
    _report(thread)
    end_process(thread.process, ExitCause.EXCEPTION, thread.registers.vector & 0xFF)


def _report(thread: ptr[Thread]) -> None:
    registers = addr(thread.registers)
    vector = registers.vector & 0xFF
    line = Line()
    line.text("fault: ")
    line.untrusted(thread.process.name_text())
    line.text(": ")
    line.text(traps.name_of(vector))
    line.text(" at rip=")
    line.hexadecimal(registers.rip)
    if vector == traps.PAGE_FAULT:
        line.text(" address=")
        line.hexadecimal(thread.fault_address)
    line.text(" error=")
    line.hexadecimal(registers.error)
    log.write(addr(line))
