"""The channel object, and the replies that a receiver can keep for later or hand to others."""
from compiler.prelude import addr, noinline, ptr, sizeof, struct, u32, u64
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.thread import PRIORITIES
from kernel.caps import table
from kernel.caps.answer import CALLER_FLAGS, RING_CALL, Answer
from kernel.caps.lease import UseKind
from kernel.caps.object import Account, Object, State
from kernel.complete import messages
from kernel.complete.ring_block import Record
from kernel.core import answers, calls, receive_rights
from kernel.core.channel_block import Channel
from kernel.core.destruction import set_destroyer
from kernel.core.message import Message
from kernel.core.thread_block import Thread, current_thread
from kernel.core.thread_changes import update_priority
from kernel.objects.creation import create, free
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.objects.lease import set_taker
from kernel.sync.ranks import Rank


@struct
class Reply:
    header: Object
    answer: Answer


def start() -> None:
    calls.start()
    messages.start()
    set_taker(UseKind.CALL, calls.revoke)
    set_taker(UseKind.RECEIVE, calls.end_leased_receive)
    set_destroyer(ObjectKind.CHANNEL, destroy_channel)
    set_destroyer(ObjectKind.REPLY, destroy_reply)


def create_channel(call: ptr[Invocation]) -> tuple[Status, u64]:
    ceiling = call.arguments[0]
    account = ptr[Account](call.target())
    if ceiling >= PRIORITIES or ceiling > u64(account.highest_priority.load("relaxed")):
        return Status.BAD_ARGUMENT, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    header, created = create(ObjectKind.CHANNEL, sizeof(Channel), account)
    if header is None:
        table.give_back(addr(call.process.table), slot)
        return created, 0
    channel = ptr[Channel](header)
    channel.lock.rank = Rank.CHANNEL
    channel.ceiling = u32(ceiling)
    receive_rights.take(channel, call.process)
    return Status.OK, give_object(call.process, slot, header)


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    """CHANNEL_KEEP_REPLY: turns the answer that the calling thread owes into an object."""
    thread = current_thread()
    if thread.answer.caller.load("relaxed") == 0:
        return Status.WOULD_BLOCK, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    header, created = create(ObjectKind.REPLY, sizeof(Reply), ptr[Account](call.argument_object(0)))
    if header is None:
        table.give_back(addr(call.process.table), slot)
        return created, 0
    _move_answer(addr(thread.answer), addr(ptr[Reply](header).answer))
    thread.ceiling = 0
    update_priority(thread)
    return Status.OK, give_object(call.process, slot, header)


@noinline
def invoke_reply(call: ptr[Invocation]) -> tuple[Status, u64]:
    """REPLY_ANSWER: once; a caller that is gone is an error that the server may ignore."""
    reply = ptr[Reply](call.target())
    message = Message()
    for index in range(u64(4)):
        message.words[index] = call.arguments[index]
    return answers.answer(addr(reply.answer), addr(message)), 0


def end_channel(channel: ptr[Channel]) -> None:
    """Destroyed by its owner."""
    with channel.lock:
        channel.header.state.store(State.DEAD, "seq_cst")
        channel.receive_rights.store(0, "seq_cst")
    calls.close(channel, Status.DESTROYED)


def end_reply(header: ptr[Object]) -> None:
    """Destroyed by its owner."""
    header.state.store(State.DEAD, "seq_cst")
    answers.fail_answer(addr(ptr[Reply](header).answer), Status.DESTROYED)


def destroy_channel(header: ptr[Object]) -> bool:
    calls.close(ptr[Channel](header), Status.CLOSED)
    free(header)
    return True


def destroy_reply(header: ptr[Object]) -> bool:
    """Dropped unanswered: the caller is told at once."""
    answers.fail_answer(addr(ptr[Reply](header).answer), Status.PEER_CLOSED)
    free(header)
    return True


def _move_answer(source: ptr[Answer], to: ptr[Answer]) -> None:
    """A killer of the caller may be about to clear what it finds owed to it."""
    found = source.caller.exchange(0, "acq_rel")
    if found == 0:
        return
    to.wait = source.wait
    to.caller.store(found, "release")
    if found & RING_CALL != 0:
        messages.change_holder(ptr[Record](found & ~u64(CALLER_FLAGS)), to)
        return
    caller = ptr[Thread](found & ~u64(CALLER_FLAGS))
    caller.holder = u64(to)
    answers.confirm(to, caller)
