"""Spawn one for the task: ten thousand threads, each of which asks one question and waits for its answer.

Every one of them is blocked in a call of its own until the first thread has seen that all are alive, and answers.
"""
from compiler.prelude import addr, const, u64
from kernel.abi.errors import Status
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import Method
from kernel.abi.objects import Resource
from kernel.abi.thread import DEFAULT_PRIORITY
from userspace.lib import program
from userspace.lib.channel import Message, call, reply_receive
from userspace.lib.memory import create_memory, map_memory
from userspace.lib.start_info import start_info
from userspace.lib.syscall import close, exit_thread, invoke
from userspace.lib.threads import spawn
from userspace.lib.time import monotonic_ns

_THREADS = const(10_000)
_STACK_BYTES = const(1024)
_STACKS = const(0x50_0000_0000)
_NS_PER_MS = const(1_000_000)

_channel: u64 = 0


def ask(number: u64) -> None:
    """What each thread does."""
    message = Message(word0=number)
    status = call(_channel, addr(message))
    exit_thread(u64(status != Status.OK or message.word0 != number * 2))


def spawn_all() -> u64:
    """Returns how many there are."""
    for number in range(u64(_THREADS)):
        status, thread = spawn(ask, number, u64(_STACKS) + (number + 1) * _STACK_BYTES)
        if status != Status.OK:
            return number
        _ = close(thread)
    return _THREADS


def answer_all(count: u64) -> u64:
    """Returns the sum of what was asked."""
    total: u64 = 0
    message = Message()
    for _ in range(count):
        status, _badge = reply_receive(_channel, addr(message))
        if status == Status.OK:
            total += message.word0
            message.word0 *= 2
    _, _ = reply_receive(0, addr(message))
    return total


def main() -> None:
    global _channel
    info = start_info()
    status, stacks = create_memory(info.account, _THREADS * _STACK_BYTES)
    if status == Status.OK:
        status = map_memory(stacks, info.process, u64(_STACKS) | READ | WRITE, 0, _THREADS * _STACK_BYTES)
    if status == Status.OK:
        status, _channel = invoke(info.account, Method.ACCOUNT_CREATE_CHANNEL, DEFAULT_PRIORITY)
    if status != Status.OK:
        print("threads: there is no memory for the stacks")
        program.exit_status = 1
        return
    begin_ns = monotonic_ns()
    count = spawn_all()
    _, alive = invoke(info.account, Method.ACCOUNT_CHARGED, Resource.THREADS)
    print(f"threads: {alive} alive, after {(monotonic_ns() - begin_ns) // _NS_PER_MS} ms")
    total = answer_all(count)
    print(f"threads: {count} answered, the sum of what they asked is {total}")
    if count != _THREADS or total != _THREADS * (_THREADS - 1) // 2:
        program.exit_status = 1


if __name__ == "__main__":
    main()
