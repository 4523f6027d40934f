"""Random system calls with random arguments, from several threads of a process on several CPUs: the kernel lives, a
heartbeat on each CPU keeps its beat, and nothing is left when the process is gone.

A process that has made its calls, has killed itself, or whose threads all wait for what nobody sends, gives way to the
next one. The page
where its calls are counted is shared with it.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import (
    addr,
    array,
    asm_x64,
    atomic,
    const,
    export,
    ptr,
    rotate_left,
    u64,
    wrap_add,
    wrap_mul,
    zeroed,
)
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.layout import USER_END
from kernel.abi.memory import READ, WRITE
from kernel.abi.methods import METHOD_NUMBERS, Method
from kernel.abi.objects import RESOURCES, Resource
from kernel.abi.rights import ALL_RIGHTS, Right
from kernel.abi.syscall import Call
from kernel.abi.thread import DEFAULT_PRIORITY
from userspace.guest_tests.calls import snapshot, wait_for, walk
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.patience import patience
from userspace.guest_tests.report import begin, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import STACK_BYTES, ask, do, expect, make, stack_of
from userspace.lib.memory import PAGE, create_memory, map_memory
from userspace.lib.syscall import close, exit_thread, invoke, yield_now

_CASES = const(1)
_CALLERS = const(4)                     # threads of the process; they have the stacks from here on
_FIRST_STACK = const(4)
_PLACE = const(0x20_0000_0000)          # of the page with the count
_CPUS = const(8)
_STALL = const(2_000)                   # turns of this thread after which a process that does nothing is given up
_LIFE = const(5_000)                    # calls of one process
_HANDLES = const(24)                    # that its calls try
_NUMBERS = const(18)                    # of system calls, some of which do not exist
_EXIT = const(Call.EXIT)
_DEBUG_LOG = const(Call.DEBUG_LOG)
_MIXER = const(0x9E37_79B9_7F4A_7C15)
_KERNEL = const(0xFFFF_8000_0000_0000)

_beats: array[atomic[u64], _CPUS] = zeroed()
_is_over: atomic[u64] = 0
_seed: u64 = 1


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("random_calls")
    hearts = _start_hearts()
    shared = _share_page()
    wanted = rounds(100_000, 1_000_000)
    _run_process(shared)                # page tables that this process needs for that stay with it
    walk(_seed)
    before = snapshot()
    while _count().load() < wanted:
        _run_process(shared)
        _expect_beats(hearts)
        wait_for(before)
        check_numbered(snapshot(), before, "what is left of the process with seed", _seed)
        walk(_seed)
    _is_over.store(1)
    end()


def _count() -> ptr[atomic[u64]]:
    return ptr[atomic[u64]](_PLACE)


def _start_hearts() -> u64:
    """One on each CPU. Returns how many."""
    count: u64 = 0
    while count < _CALLERS:
        status, _ = invoke(INSPECT, Method.INSPECT_IDLE_TIME, count)
        if status != Status.OK:
            break
        thread = make(count, _beat)
        do(thread, Method.THREAD_SET_AFFINITY, 0, 1 << count)
        do(thread, Method.THREAD_START)
        count += 1
    return count


def _beat(index: u64) -> None:
    while _is_over.load() == 0:
        _ = _beats[index].fetch_add(1)
        yield_now()
    exit_thread(0)


def _expect_beats(hearts: u64) -> None:
    for index in range(hearts):
        before = _beats[index].load()
        for _ in patience():
            if _beats[index].load() != before:
                break
            yield_now()
        check_numbered(u64(_beats[index].load() == before), 0, "no beat on CPU", index)


def _share_page() -> u64:
    status, memory = create_memory(ROOT_ACCOUNT, PAGE, 0)
    expect(status, Status.OK, "creation of memory")
    expect(map_memory(memory, OWN_PROCESS, _PLACE | READ | WRITE, 0, PAGE), Status.OK, "map")
    return memory


def _run_process(shared: u64) -> None:
    """Until it has ended, does nothing any more, or has made its calls."""
    global _seed
    _seed += 1
    process, first = make_child(_call_at_random, _seed, stack_of(_FIRST_STACK) + STACK_BYTES)
    expect(map_memory(shared, process, _PLACE | READ | WRITE, 0, PAGE), Status.OK, "map into the process")
    _give_objects(process, first)
    threads: array[u64, _CALLERS] = zeroed()
    threads[0] = first
    for index in range(u64(1), _CALLERS):
        status, threads[index] = invoke(
            ROOT_ACCOUNT, Method.ACCOUNT_CREATE_THREAD, process, u64(_call_at_random),
            stack_of(_FIRST_STACK + index) + STACK_BYTES - 8, _seed * _CALLERS + index,
        )
        expect(status, Status.OK, "creation of a thread")
    for index in range(u64(_CALLERS)):
        _, _ = invoke(threads[index], Method.THREAD_START)
    began = _count().load()
    seen = began
    idle: u64 = 0
    while idle < _STALL and seen - began < _LIFE:
        yield_now()
        status, _ = invoke(process, Method.PROCESS_EXIT_CAUSE)
        if status == Status.OK:
            break
        now = _count().load()
        idle = idle + 1 if now == seen else 0
        seen = now
    _, _ = invoke(process, Method.PROCESS_KILL, 0)
    _, _ = await_end(process)
    for index in range(u64(_CALLERS)):
        expect(close(threads[index]), Status.OK, "close")
    expect(close(process), Status.OK, "close")


def _give_objects(process: u64, thread: u64) -> None:
    """One of each kind that a program may have, all rights included, at the cost of an account with limits."""
    account = ask(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_ACCOUNT)
    for resource in range(u64(RESOURCES)):
        limit: u64 = 4000 if resource == Resource.FRAMES or resource == Resource.SLOTS else 60
        do(account, Method.ACCOUNT_SET_LIMIT, resource, limit)
    do(account, Method.ACCOUNT_SET_HIGHEST_PRIORITY, DEFAULT_PRIORITY)
    handles: array[u64, 8] = array(
        process,
        thread,
        account,
        ask(account, Method.ACCOUNT_CREATE_MEMORY, 4 * PAGE, 0),
        ask(account, Method.ACCOUNT_CREATE_NOTIFICATION),
        ask(account, Method.ACCOUNT_CREATE_CHANNEL),
        ask(account, Method.ACCOUNT_CREATE_LEASE),
        INSPECT,
    )
    for index in range(u64(8)):
        _, _ = invoke(handles[index], Method.COPY_TO, process, _rights(index))
    for index in range(u64(2), 7):
        expect(close(handles[index]), Status.OK, "close")


def _rights(index: u64) -> u64:
    """All, but for raising its thread's priority above that of the test, and for the whole machine."""
    match index:
        case 1:
            return u64(ALL_RIGHTS) & ~u64(Right.MANAGE)
        case 7:
            return u64(Right.INSPECT)
        case _:
            return ALL_RIGHTS


def _call_at_random(seed: u64) -> None:
    state = seed
    while True:
        state = _next(state)
        number = (state >> 16) % _NUMBERS
        if number == _EXIT or number == _DEBUG_LOG:
            number = Call.INVOKE
        words: array[u64, 6] = zeroed()
        for index in range(u64(6)):
            state = _next(state)
            words[index] = _word(state)
        if number == Call.INVOKE or number == Call.CALL or number == Call.REPLY_RECEIVE or number == Call.HANDLE_CLOSE:
            state = _next(state)
            words[0] = _handle(state)
        if number == Call.INVOKE:
            words[1] = (state >> 40) % METHOD_NUMBERS
        _ = _count().fetch_add(1)
        _system_call(number, addr(words[0]))


def _next(state: u64) -> u64:
    """Weyl's sequence, mixed: as good as it is short."""
    mixed = wrap_mul(state ^ rotate_left(state, 29) ^ _MIXER, _MIXER)
    return mixed ^ (mixed >> 31)


def _handle(state: u64) -> u64:
    return (1 + 2 * (state >> 60)) << 32 | 1 + (state >> 20) % _HANDLES


def _word(state: u64) -> u64:
    """Of one of several sorts; the low bits choose."""
    value = state >> 8
    match state & 7:
        case 0:
            return value % 4
        case 1:
            return value % 70
        case 2:
            return _handle(value)
        case 3:
            return _PLACE + value % (4 * PAGE)
        case 4:
            return (0x10_0000_0000 + value % 64 * PAGE) | value >> 20 & 7
        case 5:
            return _edge(value)
        case 6:
            return value % 16 * PAGE
        case _:
            return value


def _edge(value: u64) -> u64:
    edges: array[u64, 6] = array(0, USER_END - 8, 0x0000_8000_0000_0000, _KERNEL, 0xFFFF_FFFF_FFFF_FFF8, USER_END)
    return wrap_add(edges[value % 6], (value >> 8) % 16)


@asm_x64
def _system_call(number: u64, words: ptr[u64]) -> None:
    mov(rax, rdi)
    mov(r12, rsi)
    mov(rdi, [r12])
    mov(rsi, [r12, 8])
    mov(rdx, [r12, 16])
    mov(r10, [r12, 24])
    mov(r8, [r12, 32])
    mov(r9, [r12, 40])
    syscall()
