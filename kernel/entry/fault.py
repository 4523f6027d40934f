"""Exceptions of user programs: a call for the thread on its exception channel, or the end of its process.

The thread's own channel is asked first, then its process's, then those of the process's ancestors. A channel that was
set under a lease counts only while that is in force. A channel is passed over when nobody could ever answer: its
handler is the thread itself, waits for it, or is a process of which every thread waits for such an answer.
"""
from typing import NoReturn

from compiler.prelude import addr, copy, ptr, u64
from kernel.abi.errors import Status
from kernel.abi.fault import LARGEST_CHAIN
from kernel.abi.objects import ExitCause
from kernel.arch.x86_64 import traps
from kernel.arch.x86_64.registers import read_cr2
from kernel.caps import lease as leases
from kernel.caps.answer import FAULT_CALL, RING_CALL
from kernel.caps.capability import Capability
from kernel.core import answers, calls, log, schedule, wait
from kernel.core.channel_block import LEVELS, Channel
from kernel.core.line import Line
from kernel.core.process_block import Process
from kernel.core.receive_rights import has_other_threads, only_holder
from kernel.core.thread_block import WAIT_KIND, Thread, Wait, current_thread
from kernel.objects import vectors
from kernel.objects.process import end_current, end_process


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
    _ask(thread, addr(thread.exceptions))
    process = thread.process
    for _ in range(LARGEST_CHAIN):
        with process.lock:
            exceptions = copy(process.exceptions)
        _ask(thread, addr(exceptions))
        parent = process.parent
        if parent is None:
            break
        process = ptr[Process](parent)
    _report(thread)
    end_current(ExitCause.EXCEPTION, thread.registers.vector & 0xFF)


def _ask(thread: ptr[Thread], given: ptr[Capability]) -> None:
    """Does not return if the channel takes the call."""
    header = given.object
    if header is None or not leases.is_in_force(given.lease, given.epoch):
        return
    channel = ptr[Channel](header)
    if _is_circle(thread, channel):
        return
    process = thread.process
    asks_itself = only_holder(channel) == process
    if asks_itself:
        thread.asks_itself = True
        # Full: counted before the other threads are; one that ends is taken off before it reads this count.
        _ = process.asking_itself.fetch_add(1, "seq_cst")
    if asks_itself and not has_other_threads(process):
        answers.end_question(thread)
        return
    status, handler = calls.place_call(thread, channel, given, LEVELS - 1, Wait.FAULT)
    if status == Status.OK:
        if asks_itself and not has_other_threads(process):
            calls.refuse_question(thread)
        if handler is not None:
            schedule.switch_to(handler)
        schedule.leave()
    answers.end_question(thread)


def _is_circle(thread: ptr[Thread], channel: ptr[Channel]) -> bool:
    """Whether nobody waits on the channel, and whoever could receive from it waits, perhaps indirectly, for the thread.

    Other processes' threads may change meanwhile, but none of those looked at is freed before the kernel is left.
    """
    if _has_receiver(channel):
        return False
    return _is_handled_by_asker(thread, channel) or _is_held_by_asker(thread, channel)


def _is_handled_by_asker(thread: ptr[Thread], channel: ptr[Channel]) -> bool:
    """Whether the channel's handler owes the thread an answer, or owes it to one that does, and so on."""
    handler = thread
    for _ in range(LARGEST_CHAIN):
        asked = handler.answer.caller.load("acquire")
        if asked == 0 or asked & RING_CALL != 0:
            return False
        if handler.received_from == u64(channel):
            return True
        handler = ptr[Thread](asked & ~u64(FAULT_CALL))
    return True


def _is_held_by_asker(thread: ptr[Thread], channel: ptr[Channel]) -> bool:
    """Whether the only thread of the only process that can receive waits in a channel of which the same is true, and
    so on, up to the thread."""
    at = channel
    for _ in range(LARGEST_CHAIN):
        holder = only_holder(at)
        if holder is None:
            return False
        if holder == thread.process:
            return at != channel and holder.holds.load("seq_cst") <= holder.asking_itself.load("seq_cst") + 2
        only = _only_thread(holder)
        if only is None:
            return False
        kind = only.wait.load("acquire") & WAIT_KIND
        if kind != Wait.FAULT and kind != Wait.CALL:
            return False
        if only.holder == u64(addr(thread.answer)):
            return True
        following = only.call_channel.load("acquire")
        if following == 0 or _has_receiver(ptr[Channel](following)):
            return False
        at = ptr[Channel](following)
    return True


def _has_receiver(channel: ptr[Channel]) -> bool:
    return channel.receiver.load("acquire") != 0 or channel.receivers is not None or channel.receives is not None


def _only_thread(process: ptr[Process]) -> ptr[Thread] | None:
    with process.lock:
        first = process.first_thread
        if first is None or ptr[Thread](first).sibling is not None:
            return None
    return ptr[Thread](first)


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
