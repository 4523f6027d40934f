"""call and reply_receive: messages of four words in registers, and the direct switch between caller and receiver.

The switch is taken when nothing is queued on the channel and the other side may run here at once; otherwise the same
message takes the general way (core/calls.py). On the short way nothing is counted, charged, recorded or locked; a
thread's `conditions` equal to the CPU's index say in one comparison that there is nothing to save, load or refuse.
A caller that waits is published before the receiver runs, a receiver before the caller does; what is read after that
is behind a full fence (core/wait.py, core/channel_block.py).
"""
from typing import NoReturn

from compiler.prelude import addr, array, cold, export, inline, noinline, ptr, u32, u64, wrap_add
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.arch.x86_64 import cpu, gdt
from kernel.arch.x86_64.entry import resume_call
from kernel.caps import table
from kernel.caps.capability import Capability
from kernel.complete.latch import look_at_head
from kernel.complete.queue import unread
from kernel.core import calls, context, schedule, wait
from kernel.core.channel_block import LEVELS, Channel
from kernel.core.cpu_queue import charge_direct, is_first, note_level
from kernel.core.process_block import Process
from kernel.core.thread_block import (
    FAULT_CALL,
    HAS_EVENTS,
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
from kernel.memory import address_space


@export("direct_call")
def direct_call(handle: u64, word0: u64, word1: u64, word2: u64, word3: u64, level: u64) -> NoReturn:
    caller = ptr[Thread](u64(cpu.frame) - REGISTERS_OFFSET)
    process = caller.process
    badge: u64 = 0
    header = table.find(addr(process.table), handle, u32(ObjectKind.CHANNEL), u32(Right.SEND), addr(badge))
    here = u64(cpu.index)
    if header == 0 or caller.conditions.load("relaxed") != here:
        _call(handle, word1, level)
    channel = ptr[Channel](header)
    receiver = channel.receiver.load("acquire")
    if receiver == 0 or channel.queued.load("relaxed") != 0:
        _call(handle, word1, level)
    server = ptr[Thread](receiver)
    # What waits to receive is at the channel's ceiling already (core/calls.py).
    if server.priority < caller.priority or not wait.claim(server, u64(channel) | u64(Wait.RECEIVE)):
        _call(handle, word1, level)
    channel.receiver.store(0, "release")
    registers = addr(server.registers)
    registers.rax = u64(Status.OK)
    registers.rdi = badge
    registers.rsi = word0
    registers.rdx = word1
    registers.r10 = word2
    registers.r8 = word3
    word = wrap_add(caller.waits, WAIT_STEP)
    caller.waits = word
    word |= u64(Wait.CALL)
    server.answer.wait = word
    server.answer.caller.store(u64(caller), "relaxed")
    caller.holder = u64(addr(server.answer))
    charge_direct(caller)
    caller.wait.store(word, "seq_cst")
    if caller.conditions.load("relaxed") != here:
        calls.look_for_killer(caller, word)
    _switch(server, process, here)


@export("direct_reply_receive")
def direct_reply_receive(handle: u64, word0: u64, word1: u64, word2: u64, word3: u64) -> NoReturn:
    server = ptr[Thread](u64(cpu.frame) - REGISTERS_OFFSET)
    process = server.process
    badge: u64 = 0
    header = table.find(addr(process.table), handle, u32(ObjectKind.CHANNEL), u32(Right.RECEIVE), addr(badge))
    here = u64(cpu.index)
    if header == 0 or server.conditions.load("relaxed") != here:
        _reply_receive(handle, word1)
    channel = ptr[Channel](header)
    found = server.answer.caller.load("relaxed")
    # A server that receives again from where it received stays at that channel's ceiling.
    if found == 0 or found & FAULT_CALL != 0 or server.received_from != u64(channel):
        _reply_receive(handle, word1)
    if channel.queued.load("relaxed") != 0 or channel.receiver.load("relaxed") != 0:
        _reply_receive(handle, word1)
    caller = ptr[Thread](found)
    # Before the fences below: a thread that is made ready from now on is compared with the caller (I-CORE-5).
    note_level(caller.priority + 1)
    if not wait.claim(caller, server.answer.wait):
        _reply_receive(handle, word1)
    server.answer.caller.store(0, "relaxed")
    registers = addr(caller.registers)
    registers.rax = u64(Status.OK)
    registers.rsi = word0
    registers.rdx = word1
    registers.r10 = word2
    registers.r8 = word3
    charge_direct(server)
    server.wait.store(u64(channel) | u64(Wait.RECEIVE), "release")
    is_receiver = channel.receiver.cas(0, u64(server), "seq_cst")
    if not is_receiver or channel.queued.load("relaxed") != 0 or server.conditions.load("relaxed") != here:
        _receive_again(server, channel, caller)
    if not is_first(caller.priority):
        schedule.make_ready(caller)
        schedule.leave()
    _switch(caller, process, here)


@inline
def _switch(thread: ptr[Thread], process: ptr[Process], here: u64) -> NoReturn:
    """Runs a thread that this CPU owns and that has entered by a system call, with `process` in force."""
    if thread.conditions.load("relaxed") != here:
        _switch_with_state(thread)
    gdt.set_frame(addr(thread.registers))
    if thread.process != process:
        address_space.enter(addr(thread.process.space))
    resume_call()


@cold
@noinline
def _switch_with_state(thread: ptr[Thread]) -> NoReturn:
    """Also a thread that belongs to another CPU, if it may run here: whoever waits for it is about to be idle."""
    conditions = thread.conditions.load("relaxed")
    if conditions & (STOPPING | UPCALL_DUE) != 0 or not may_run_on(thread, cpu.index):
        schedule.make_ready(thread)
        schedule.leave()
    move(thread, cpu.index)
    context.load(thread)
    resume_call()


@cold
@noinline
def _call(handle: u64, word1: u64, level: u64) -> NoReturn:
    """The general way; rdx is the only register of the message that the door has not kept."""
    caller = current_thread()
    caller.registers.rdx = word1
    found = Capability()
    status = table.lookup(
        addr(caller.process.table), handle, u32(ObjectKind.CHANNEL), u32(Right.SEND), addr(found)
    )
    if status == Status.OK and level >= LEVELS:
        status = Status.BAD_ARGUMENT
    if status == Status.OK:
        header = found.object
        assert header is not None
        status = calls.begin_call(caller, ptr[Channel](header), found.badge, u32(level), Wait.CALL)
        if status == Status.OK:
            schedule.leave()
    _return(caller, status)


@cold
@noinline
def _reply_receive(handle: u64, word1: u64) -> NoReturn:
    """The general way. Without a handle it only answers."""
    server = current_thread()
    server.registers.rdx = word1
    found = Capability()
    status: Status = Status.OK
    if handle != 0:
        status = table.lookup(
            addr(server.process.table), handle, u32(ObjectKind.CHANNEL), u32(Right.RECEIVE), addr(found)
        )
    if status != Status.OK:
        _return(server, status)
    _answer(server)
    header = found.object
    if header is None:
        _return(server, Status.OK)
    _receive(server, ptr[Channel](header))


def _receive(server: ptr[Thread], channel: ptr[Channel]) -> NoReturn:
    """Whoever posts to the server's ring from here on sees that it receives, and sets HAS_EVENTS."""
    server.received_from = u64(channel)
    if _has_events(server):
        server.ceiling = 0
        server.priority = server.own_priority
        _return(server, Status.EVENTS)
    if calls.begin_receive(server, channel):
        _leave_by_call()
    if server.conditions.load("seq_cst") & HAS_EVENTS != 0 and calls.end_receive(server, Status.EVENTS):
        schedule.make_ready(server)
    schedule.leave()


def _has_events(server: ptr[Thread]) -> bool:
    """Whether the server's ring has completions that it has not read."""
    ring = server.ring
    if ring is None:
        return False
    with ring.lock:
        look_at_head(ring)
        if unread(ring) != 0:
            return True
        if server.conditions.load("relaxed") & HAS_EVENTS != 0:
            _ = server.conditions.fetch_and(~u64(HAS_EVENTS), "seq_cst")
    return False


def _answer(server: ptr[Thread]) -> None:
    caller = calls.take_answer(addr(server.answer))
    if server.ceiling != 0:
        server.ceiling = 0
        server.priority = server.own_priority
        cpu.attention = 1
    if caller is not None:
        said = addr(server.registers)
        words: array[u64, 4] = array(said.rsi, said.rdx, said.r10, said.r8)
        calls.give_answer(caller, server.answer.wait, addr(words[0]))


@cold
@noinline
def _receive_again(server: ptr[Thread], channel: ptr[Channel], caller: ptr[Thread]) -> NoReturn:
    """Something came between the look at the channel and the server's wait on it. The caller has its answer."""
    schedule.make_ready(caller)
    if not wait.claim(server, u64(channel) | u64(Wait.RECEIVE)):
        schedule.leave()
    _ = channel.receiver.cas(u64(server), 0, "seq_cst")
    cpu.attention = 1
    _receive(server, channel)


def _return(thread: ptr[Thread], status: Status) -> NoReturn:
    thread.registers.rax = u64(status)
    thread.registers.rdx = 0
    _leave_by_call()


def _leave_by_call() -> NoReturn:
    while cpu.attention != 0:
        schedule.look()
    resume_call()
