"""call and reply_receive: messages of four words in registers, and the direct switch between caller and receiver.

The switch is taken when nothing is queued on the channel and the other side may run here at once; otherwise the same
message takes the general way (core/calls.py). On the short way nothing is counted, charged, recorded or locked; a
thread's `conditions` equal to the CPU's index say in one comparison that there is nothing to save, load or refuse.
A caller that waits is published before the receiver runs, a receiver before the caller does; what is read after that
is behind a full fence (core/wait.py, core/channel_block.py).
Whatever is left for another function gets the message in the registers in which it came, so that nothing is moved on
the short way.
"""
from typing import NoReturn

from compiler.prelude import addr, array, cold, export, inline, noinline, ptr, u32, u64, wrap_add
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.arch.x86_64 import cpu, gdt
from kernel.arch.x86_64.entry import resume_call, resume_with_message
from kernel.caps import table
from kernel.caps.answer import CALLER_FLAGS
from kernel.caps.capability import Capability
from kernel.complete.latch import look_at_head
from kernel.complete.queue import unread
from kernel.core import answers, calls, context, schedule, wait
from kernel.core.attention import attend
from kernel.core.channel_block import LEVELS, Channel
from kernel.core.cpu_queue import charge_direct, is_first, is_nobody_ready, note_level
from kernel.core.message import Message
from kernel.core.process_block import Process
from kernel.core.thread_block import (
    HAS_EVENTS,
    INVOCATIONS_DUE,
    REGISTERS_OFFSET,
    STOPPING,
    UPCALL_DUE,
    WAIT_STEP,
    Thread,
    Wait,
    current_thread,
    may_run_on,
    move,
)
from kernel.core.thread_changes import put_priority
from kernel.memory import address_space


@export("direct_call")
def direct_call(handle: u64, word0: u64, word1: u64, word2: u64, word3: u64, level: u64) -> NoReturn:
    caller = ptr[Thread](u64(cpu.frame) - REGISTERS_OFFSET)
    process = caller.process
    slots = addr(process.table)
    header: u64 = 0
    badge: u64 = 0
    is_found = table.find(slots, handle, u32(ObjectKind.CHANNEL), u32(Right.SEND), addr(header), addr(badge))
    here = u64(cpu.index)
    if not is_found or caller.conditions.load("relaxed") != here:
        _call(handle, word0, word1, word2, word3, level)
    channel = ptr[Channel](header)
    receiver = channel.receiver.load("acquire")
    if receiver == 0 or channel.queued.load("relaxed") != 0:
        _call(handle, word0, word1, word2, word3, level)
    server = ptr[Thread](receiver)
    # What waits to receive is at the channel's ceiling already (core/calls.py).
    if server.priority < caller.priority or not wait.claim(server, u64(channel) | u64(Wait.RECEIVE)):
        _call(handle, word0, word1, word2, word3, level)
    channel.receiver.store(0, "release")
    word = wrap_add(caller.waits, WAIT_STEP)
    caller.waits = word
    word |= u64(Wait.CALL)
    server.answer.wait = word
    server.answer.caller.store(u64(caller), "relaxed")
    caller.holder = u64(addr(server.answer))
    charge_direct(caller)
    caller.wait.store(word, "seq_cst")
    if caller.conditions.load("relaxed") != here:
        _switch_from_changed(badge, word0, word1, word2, word3, server)
    _switch(server, process, here, badge, word0, word1, word2, word3)


@export("direct_reply_receive")
def direct_reply_receive(handle: u64, word0: u64, word1: u64, word2: u64, word3: u64) -> NoReturn:
    server = ptr[Thread](u64(cpu.frame) - REGISTERS_OFFSET)
    process = server.process
    slots = addr(process.table)
    header: u64 = 0
    badge: u64 = 0
    is_found = table.find(slots, handle, u32(ObjectKind.CHANNEL), u32(Right.RECEIVE), addr(header), addr(badge))
    here = u64(cpu.index)
    if not is_found or server.conditions.load("relaxed") != here:
        _reply_receive(handle, word0, word1, word2, word3, 0)
    channel = ptr[Channel](header)
    found = server.answer.caller.load("relaxed")
    # A server that receives again from where it received stays at that channel's ceiling.
    if found == 0 or server.received_from != u64(channel) or found & CALLER_FLAGS != 0:
        _reply_receive(handle, word0, word1, word2, word3, header)
    if channel.queued.load("relaxed") != 0 or channel.receiver.load("relaxed") != 0:
        _reply_receive(handle, word0, word1, word2, word3, header)
    caller = ptr[Thread](found)
    # Before the fences below: a thread that is made ready from now on is compared with the caller (I-CORE-5).
    note_level(caller.priority + 1)
    if not wait.claim(caller, server.answer.wait):
        _reply_receive(handle, word0, word1, word2, word3, header)
    server.answer.caller.store(0, "relaxed")
    charge_direct(server)
    server.wait.store(u64(channel) | u64(Wait.RECEIVE), "release")
    is_receiver = channel.receiver.cas(0, u64(server), "seq_cst")
    if not is_receiver or channel.queued.load("relaxed") != 0 or server.conditions.load("relaxed") != here:
        _receive_again(caller.registers.rdi, word0, word1, word2, word3, caller)
    if not is_nobody_ready():
        _look_at_others(caller.registers.rdi, word0, word1, word2, word3, caller)
    _switch(caller, process, here, caller.registers.rdi, word0, word1, word2, word3)


@inline
def _switch(
    thread: ptr[Thread], process: ptr[Process], here: u64, rdi: u64, word0: u64, word1: u64, word2: u64, word3: u64
) -> NoReturn:
    """Runs a thread that this CPU owns and that has waited for a message, with `process` in force. The message goes on
    in the registers in which it came."""
    is_other = thread.process != process
    if thread.conditions.load("relaxed") != here or is_other and not address_space.is_plain(addr(thread.process.space)):
        _switch_with_state(rdi, word0, word1, word2, word3, thread)
    gdt.set_frame(addr(thread.registers))
    if is_other:
        address_space.switch(addr(thread.process.space))
    resume_with_message(rdi, word0, word1, word2, word3)


@cold
@noinline
def _write(thread: ptr[Thread], rdi: u64, word0: u64, word1: u64, word2: u64, word3: u64) -> None:
    """Puts a message where a thread that does not run at once will find it."""
    registers = addr(thread.registers)
    registers.rax = u64(Status.OK)
    registers.rdi = rdi
    registers.rsi = word0
    registers.rdx = word1
    registers.r10 = word2
    registers.r8 = word3


@cold
@noinline
def _switch_with_state(
    rdi: u64, word0: u64, word1: u64, word2: u64, word3: u64, thread: ptr[Thread]
) -> NoReturn:
    """Also a thread that belongs to another CPU, if it may run here: whoever waits for it is about to be idle."""
    _write(thread, rdi, word0, word1, word2, word3)
    conditions = thread.conditions.load("relaxed")
    if conditions & (STOPPING | UPCALL_DUE | INVOCATIONS_DUE) != 0 or not may_run_on(thread, cpu.index):
        schedule.make_ready(thread)
        schedule.leave()
    move(thread, cpu.index)
    context.load(thread)
    resume_call()


@cold
@noinline
def _switch_from_changed(
    badge: u64, word0: u64, word1: u64, word2: u64, word3: u64, server: ptr[Thread]
) -> NoReturn:
    """The calling thread's conditions have changed before its wait was published: perhaps it was killed."""
    caller = current_thread()
    calls.look_for_killer(caller, server.answer.wait)
    _switch_with_state(badge, word0, word1, word2, word3, server)


@cold
@noinline
def _look_at_others(
    rdi: u64, word0: u64, word1: u64, word2: u64, word3: u64, caller: ptr[Thread]
) -> NoReturn:
    """The caller has its answer, but others may be to run before it."""
    if is_first(caller.priority):
        _switch_with_state(rdi, word0, word1, word2, word3, caller)
    _write(caller, rdi, word0, word1, word2, word3)
    schedule.make_ready(caller)
    schedule.leave()


@noinline
def _call(handle: u64, word0: u64, word1: u64, word2: u64, word3: u64, level: u64) -> NoReturn:
    """The general way; the door has not kept the message."""
    caller = current_thread()
    _write(caller, handle, word0, word1, word2, word3)
    found = Capability()
    status = table.lookup(
        addr(caller.process.table), handle, u32(ObjectKind.CHANNEL), u32(Right.SEND), addr(found)
    )
    if status == Status.OK and level >= LEVELS:
        status = Status.BAD_ARGUMENT
    if status == Status.OK:
        header = found.object
        assert header is not None
        placed, server = calls.place_call(caller, ptr[Channel](header), addr(found), u32(level), Wait.CALL)
        status = placed
        if server is not None:
            schedule.switch_to(server)
        if status == Status.OK:
            schedule.leave()
    _return(caller, status)


@noinline
def _reply_receive(handle: u64, word0: u64, word1: u64, word2: u64, word3: u64, header: u64) -> NoReturn:
    """The general way. Without a handle it only answers. `header` is the channel, if it has been found already."""
    server = current_thread()
    _write(server, handle, word0, word1, word2, word3)
    if header == 0 and handle != 0:
        header = _find_to_receive(server, handle)
    caller: ptr[Thread] | None = None
    if server.answer.caller.load("relaxed") != 0:
        message = Message(words=array(word0, word1, word2, word3))
        caller = answers.answer_thread(addr(server.answer), addr(message))
    if header != 0:
        _receive(server, ptr[Channel](header), caller)
    _lower(server)
    _go_on(server, caller, Status.OK)


@noinline
def _find_to_receive(server: ptr[Thread], handle: u64) -> u64:
    """Returns to the program with an error if the handle is not good for it."""
    found = Capability()
    status = table.lookup(
        addr(server.process.table), handle, u32(ObjectKind.CHANNEL), u32(Right.RECEIVE), addr(found)
    )
    if status == Status.OK and not calls.hang_receive(server, addr(found)):
        status = Status.REVOKED
    if status != Status.OK:
        _return(server, status)
    return u64(found.object)


def _receive(server: ptr[Thread], channel: ptr[Channel], caller: ptr[Thread] | None) -> NoReturn:
    """`caller` has got its answer and is to run.

    Whoever posts to the server's ring from here on sees that it receives, and sets HAS_EVENTS.
    """
    server.received_from = u64(channel)
    if _has_events(server):
        _lower(server)
        _go_on(server, caller, Status.EVENTS)
    has_ceiling = server.ceiling != 0
    if calls.begin_receive(server, channel):
        if has_ceiling:
            cpu.attention = 1           # its priority may have fallen
        if caller is not None:
            schedule.make_ready(caller)
        _leave_by_call()
    if server.conditions.load("seq_cst") & HAS_EVENTS != 0 and calls.end_receive(server, Status.EVENTS):
        schedule.make_ready(server)
    if caller is not None:
        schedule.switch_to(caller)
    schedule.leave()


def _lower(server: ptr[Thread]) -> None:
    """It owes no answer and does not wait for a call: what it has from the channel is over."""
    if server.ceiling != 0:
        server.ceiling = 0
        _ = put_priority(server)
        cpu.attention = 1


def _go_on(server: ptr[Thread], caller: ptr[Thread] | None, status: Status) -> NoReturn:
    if caller is not None:
        schedule.make_ready(caller)
    _return(server, status)


def _has_events(server: ptr[Thread]) -> bool:
    """Whether the server's ring has completions that it has not read, or is about to."""
    ring = server.ring
    if ring is None:
        return False
    with ring.lock:
        look_at_head(ring)
        if unread(ring) != 0 or ring.due is not None:
            return True
        if server.conditions.load("relaxed") & HAS_EVENTS != 0:
            _ = server.conditions.fetch_and(~u64(HAS_EVENTS), "seq_cst")
    return False


@cold
@noinline
def _receive_again(
    rdi: u64, word0: u64, word1: u64, word2: u64, word3: u64, caller: ptr[Thread]
) -> NoReturn:
    """Something came between the look at the channel and the server's wait on it. The caller has its answer."""
    server = current_thread()
    channel = ptr[Channel](server.received_from)
    _write(caller, rdi, word0, word1, word2, word3)
    schedule.make_ready(caller)
    if not wait.claim(server, u64(channel) | u64(Wait.RECEIVE)):
        schedule.leave()
    _ = channel.receiver.cas(u64(server), 0, "seq_cst")
    cpu.attention = 1
    _receive(server, channel, None)


def _return(thread: ptr[Thread], status: Status) -> NoReturn:
    thread.registers.rax = u64(status)
    thread.registers.rdx = 0
    _leave_by_call()


def _leave_by_call() -> NoReturn:
    attend()
    resume_call()
