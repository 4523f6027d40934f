"""Capabilities from outside: copies, mints, moves, leases, accounts and processes, as their users see them."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, const, export, u8, u64, zeroed
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause, ObjectKind, ProcessState, Resource
from kernel.abi.rights import ALL_RIGHTS, Right
from kernel.abi.ring import Completion, Operation, Submission
from userspace.guest_tests.report import begin, check, check_equal, end, plan
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import close, invoke, yield_now

_SOON_NS = const(50_000_000)
_CASES = const(14)

_ring: Ring = zeroed()


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    open_ring(addr(_ring), ring)
    begin("identify")
    _identify()
    begin("copy")
    _copy()
    begin("mint_badge")
    _mint_badge()
    begin("close_twice")
    _close_twice()
    begin("stale_handle")
    _stale_handle()
    begin("destroy")
    _destroy()
    begin("lease_end")
    _lease_end()
    begin("lease_nesting")
    _lease_nesting()
    begin("lease_expiry")
    _lease_expiry()
    begin("account_limit")
    _account_limit()
    begin("soft_limit")
    _soft_limit()
    begin("process_kill")
    _process_kill()
    begin("move")
    _move()
    begin("table_growth")
    _table_growth()
    end()


def make(method: u64, first: u64 = 0, second: u64 = 0) -> u64:
    """A new object of the root account's; the case fails when there is none."""
    status, handle = invoke(ROOT_ACCOUNT, method, first, second)
    check_equal(u64(status), Status.OK, "creation")
    return handle


def make_process() -> u64:
    name = b"child"
    status, handle = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_PROCESS, u64(addr(name[0])), u64(len(name)), OWN_PROCESS
    )
    check_equal(u64(status), Status.OK, "creation of a process")
    return handle


def expect(status: Status, wanted: Status, what: str) -> None:
    check_equal(u64(status), u64(wanted), what)


def live(kind: ObjectKind) -> u64:
    walk()
    status, count = invoke(INSPECT, Method.INSPECT_COUNT_OBJECTS, u64(kind))
    expect(status, Status.OK, "count of objects")
    return count


def walk() -> None:
    """Waits for the end of what has been given up; then no reference is lost and none is missing."""
    status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    while status == Status.BUSY:
        yield_now()
        status, faults = invoke(SYSTEM, Method.SYSTEM_WALK_OBJECTS)
    expect(status, Status.OK, "walker")
    check_equal(faults, 0, "faults that the walker found")


def drop(handle: u64) -> None:
    expect(close(handle), Status.OK, "close")


def _identify() -> None:
    status, value = invoke(ROOT_ACCOUNT, Method.IDENTIFY)
    expect(status, Status.OK, "identify")
    check_equal(value, u64(ObjectKind.ACCOUNT) << 32 | ALL_RIGHTS, "kind and rights")
    walk()


def _copy() -> None:
    before = live(ObjectKind.NOTIFICATION)
    first = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    status, second = invoke(first, Method.COPY, Right.SIGNAL)
    expect(status, Status.OK, "copy")
    status, same = invoke(first, Method.COMPARE, second)
    expect(status, Status.OK, "compare")
    check_equal(same, 1, "a copy names the same object")
    status, _ = invoke(second, Method.NOTIFICATION_SIGNAL, 5)
    expect(status, Status.OK, "signal through the copy")
    status, _ = invoke(second, Method.NOTIFICATION_TAKE)
    expect(status, Status.NO_RIGHT, "take without WAIT")
    status, _ = invoke(second, Method.COPY, Right.SIGNAL)
    expect(status, Status.NO_RIGHT, "copy without COPY")
    status, _ = invoke(first, Method.COPY, ALL_RIGHTS + 1)
    expect(status, Status.BAD_ARGUMENT, "copy with a right that does not exist")
    status, bits = invoke(first, Method.NOTIFICATION_TAKE)
    expect(status, Status.OK, "take")
    check_equal(bits, 5, "bits")
    walk()
    drop(first)
    check_equal(live(ObjectKind.NOTIFICATION), before + 1, "an object with a handle left")
    drop(second)
    check_equal(live(ObjectKind.NOTIFICATION), before, "an object without handles")
    walk()


def _mint_badge() -> None:
    first = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    status, minted = invoke(first, Method.MINT, Right.SIGNAL | Right.COPY, 6)
    expect(status, Status.OK, "mint")
    status, _ = invoke(minted, Method.NOTIFICATION_SIGNAL, 2)
    expect(status, Status.OK, "signal a bit of the badge")
    status, _ = invoke(minted, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.BAD_ARGUMENT, "signal a bit outside the badge")
    status, _ = invoke(minted, Method.MINT, Right.SIGNAL, 1)
    expect(status, Status.BAD_ARGUMENT, "a second badge")
    status, _ = invoke(minted, Method.MINT, Right.WAIT, 6)
    expect(status, Status.BAD_ARGUMENT, "a right that the source has not")
    walk()
    drop(minted)
    drop(first)


def _close_twice() -> None:
    handle = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    drop(handle)
    expect(close(handle), Status.BAD_HANDLE, "second close")
    expect(close(0), Status.BAD_HANDLE, "close of no handle")
    walk()


def _stale_handle() -> None:
    first = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    drop(first)
    second = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    check(first != second, "a slot that is used again gives another handle")
    status, _ = invoke(first, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.BAD_HANDLE, "the old handle")
    drop(second)


def _destroy() -> None:
    first = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    _, second = invoke(first, Method.COPY, Right.SIGNAL)
    status, _ = invoke(second, Method.DESTROY)
    expect(status, Status.NO_RIGHT, "destroy without MANAGE")
    status, _ = invoke(first, Method.DESTROY)
    expect(status, Status.OK, "destroy")
    status, _ = invoke(second, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.DESTROYED, "use of a copy afterwards")
    walk()
    drop(second)
    drop(first)


def _lease_end() -> None:
    lease = make(Method.ACCOUNT_CREATE_LEASE)
    note = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    status, minted = invoke(note, Method.MINT, Right.SIGNAL | Right.COPY, 0, lease)
    expect(status, Status.OK, "mint under a lease")
    _, copied = invoke(minted, Method.COPY, Right.SIGNAL)
    status, _ = invoke(copied, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.OK, "use under the lease")
    status, _ = invoke(lease, Method.LEASE_END)
    expect(status, Status.OK, "end")
    status, _ = invoke(minted, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.REVOKED, "use after the end")
    status, _ = invoke(copied, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.REVOKED, "use of a copy after the end")
    status, _ = invoke(note, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.OK, "use of the source after the end")
    _, in_force = invoke(lease, Method.LEASE_STATE)
    check_equal(in_force, 0, "state of the lease")
    status, _ = invoke(note, Method.MINT, Right.SIGNAL, 0, lease)
    expect(status, Status.REVOKED, "mint under a lease that has ended")
    walk()
    drop(lease)
    status, _ = invoke(minted, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.REVOKED, "use after the lease is gone")
    again = make(Method.ACCOUNT_CREATE_LEASE)
    status, _ = invoke(minted, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.REVOKED, "use after another lease has begun")
    drop(again)
    drop(copied)
    drop(minted)
    drop(note)
    walk()


def _lease_nesting() -> None:
    outer = make(Method.ACCOUNT_CREATE_LEASE)
    inner = make(Method.ACCOUNT_CREATE_LEASE, outer)
    third = make(Method.ACCOUNT_CREATE_LEASE, inner)
    fourth = make(Method.ACCOUNT_CREATE_LEASE, third)
    status, _ = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE, fourth)
    expect(status, Status.BAD_ARGUMENT, "a fifth level")
    note = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    _, deep = invoke(note, Method.MINT, Right.SIGNAL | Right.COPY, 0, fourth)
    _, shallow = invoke(note, Method.MINT, Right.SIGNAL | Right.COPY, 0, outer)
    status, _ = invoke(deep, Method.MINT, Right.SIGNAL, 0, outer)
    expect(status, Status.BAD_ARGUMENT, "out of a lease that nests deeper")
    status, deeper = invoke(shallow, Method.MINT, Right.SIGNAL, 0, inner)
    expect(status, Status.OK, "into a lease that nests deeper")
    _, _ = invoke(inner, Method.LEASE_END)
    status, _ = invoke(deep, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.REVOKED, "below a lease that has ended")
    status, _ = invoke(deeper, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.REVOKED, "in a lease that has ended")
    status, _ = invoke(shallow, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.OK, "above a lease that has ended")
    drop(fourth)
    drop(third)
    drop(inner)
    drop(outer)
    walk()
    status, _ = invoke(shallow, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.REVOKED, "in a lease whose last handle is gone")
    drop(deep)
    drop(deeper)
    drop(shallow)
    drop(note)
    walk()


def _now_ns() -> u64:
    """What a timer reports whose deadline has passed."""
    entry = Submission(operation=u8(Operation.TIMER), deadline_ns=1)
    completion: Completion = zeroed()
    check(_ring.submit(addr(entry)), "submission")
    expect(_ring.enter(1, 1), Status.OK, "enter")
    check(_ring.next_completion(addr(completion)), "completion")
    return completion.word0


def _lease_expiry() -> None:
    status, _ = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE, 0, 1)
    expect(status, Status.BAD_ARGUMENT, "an expiry that has passed")
    note = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    stopped = make(Method.ACCOUNT_CREATE_LEASE, 0, _now_ns() + _SOON_NS)
    _, _ = invoke(stopped, Method.LEASE_END)
    drop(stopped)
    lease = make(Method.ACCOUNT_CREATE_LEASE, 0, _now_ns() + _SOON_NS)
    status, minted = invoke(note, Method.MINT, Right.SIGNAL, 0, lease)
    expect(status, Status.OK, "mint")
    drop(lease)
    status, _ = invoke(minted, Method.NOTIFICATION_SIGNAL, 1)
    while status == Status.OK:
        yield_now()
        status, _ = invoke(minted, Method.NOTIFICATION_SIGNAL, 1)
    expect(status, Status.REVOKED, "use after the expiry")
    drop(minted)
    drop(note)
    check_equal(live(ObjectKind.LEASE), 0, "leases that are left")


def _account_limit() -> None:
    account = make(Method.ACCOUNT_CREATE_ACCOUNT)
    status, _ = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    expect(status, Status.OVER_LIMIT, "an account without a budget")
    _, before = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, Resource.OBJECTS)
    status, _ = invoke(account, Method.ACCOUNT_SET_LIMIT, Resource.OBJECTS, 2)
    expect(status, Status.OK, "a limit")
    _, after = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, Resource.OBJECTS)
    check_equal(after, before + 2, "what the parent has left")
    status, first = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    expect(status, Status.OK, "the first of two")
    status, second = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    expect(status, Status.OK, "the second of two")
    status, _ = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    expect(status, Status.OVER_LIMIT, "the third of two")
    status, _ = invoke(account, Method.ACCOUNT_SET_LIMIT, Resource.OBJECTS, 1)
    expect(status, Status.BUSY, "a limit below what is charged")
    status, _ = invoke(account, Method.ACCOUNT_SET_LIMIT, Resource.OBJECTS, 0xFFFF_FFFF_FFFF_FFFF)
    expect(status, Status.OVER_LIMIT, "a limit above the parent's")
    drop(first)
    walk()
    _, charged = invoke(account, Method.ACCOUNT_CHARGED, Resource.OBJECTS)
    check_equal(charged, 1, "what is charged after one is gone")
    drop(account)
    drop(second)
    walk()
    _, last = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, Resource.OBJECTS)
    check_equal(last, before - 1, "what the parent gets back")


def _soft_limit() -> None:
    account = make(Method.ACCOUNT_CREATE_ACCOUNT)
    note = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    _, _ = invoke(account, Method.ACCOUNT_SET_LIMIT, Resource.OBJECTS, 8)
    status, _ = invoke(account, Method.ACCOUNT_SET_SOFT_LIMIT, Resource.OBJECTS, 2)
    expect(status, Status.OK, "a soft limit")
    status, _ = invoke(account, Method.ACCOUNT_NOTIFY_SOFT_LIMIT, note, 4)
    expect(status, Status.OK, "a watcher")
    status, _ = invoke(account, Method.ACCOUNT_NOTIFY_SOFT_LIMIT, note, 4)
    expect(status, Status.BUSY, "a second watcher")
    _, first = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    _, second = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    status, _ = invoke(note, Method.NOTIFICATION_TAKE)
    expect(status, Status.WOULD_BLOCK, "at the soft limit")
    _, third = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    status, bits = invoke(note, Method.NOTIFICATION_TAKE)
    expect(status, Status.OK, "above the soft limit")
    check_equal(bits, 4, "the watcher's bits")
    _, fourth = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    status, _ = invoke(note, Method.NOTIFICATION_TAKE)
    expect(status, Status.WOULD_BLOCK, "further above the soft limit")
    drop(fourth)
    drop(third)
    walk()
    _, third = invoke(account, Method.ACCOUNT_CREATE_NOTIFICATION)
    status, _ = invoke(note, Method.NOTIFICATION_TAKE)
    expect(status, Status.OK, "above the soft limit again")
    drop(first)
    drop(second)
    drop(third)
    drop(account)
    drop(note)
    walk()


def _process_kill() -> None:
    before = live(ObjectKind.PROCESS)
    _, frames = invoke(INSPECT, Method.INSPECT_FREE_FRAMES)
    child = make_process()
    note = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    status, _ = invoke(child, Method.PROCESS_NOTIFY_EXIT, note, 9)
    expect(status, Status.OK, "a watcher")
    _, state = invoke(child, Method.PROCESS_STATE)
    check_equal(state, ProcessState.RUNNING, "state")
    status, _ = invoke(child, Method.PROCESS_EXIT_STATUS)
    expect(status, Status.WOULD_BLOCK, "exit status of a process that runs")
    status, foreign = invoke(note, Method.COPY_TO, child, Right.SIGNAL)
    expect(status, Status.OK, "a capability for the child")
    status, _ = invoke(foreign, Method.NOTIFICATION_PEEK)
    expect(status, Status.BAD_KIND if foreign == OWN_PROCESS else Status.BAD_HANDLE, "the child's handle in our table")
    walk()
    status, _ = invoke(child, Method.PROCESS_KILL, 77)
    expect(status, Status.OK, "kill")
    _, state = invoke(child, Method.PROCESS_STATE)
    while state != ProcessState.ENDED:
        yield_now()
        _, state = invoke(child, Method.PROCESS_STATE)
    _, code = invoke(child, Method.PROCESS_EXIT_STATUS)
    check_equal(code, 77, "exit status")
    _, cause = invoke(child, Method.PROCESS_EXIT_CAUSE)
    check_equal(cause, ExitCause.KILLED, "exit cause")
    _, bits = invoke(note, Method.NOTIFICATION_TAKE)
    check_equal(bits, 9, "the watcher's bits")
    status, _ = invoke(note, Method.COPY_TO, child, Right.SIGNAL)
    expect(status, Status.DESTROYED, "a capability for the dead")
    drop(note)
    drop(child)
    check_equal(live(ObjectKind.PROCESS), before, "processes")
    walk()


def _move() -> None:
    child = make_process()
    note = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    status, _ = invoke(note, Method.MOVE_TO, child)
    expect(status, Status.OK, "move")
    status, _ = invoke(note, Method.NOTIFICATION_PEEK)
    expect(status, Status.BAD_HANDLE, "the old handle")
    status, _ = invoke(note, Method.MOVE_TO, child)
    expect(status, Status.BAD_HANDLE, "a second move")
    walk()
    drop(child)
    check_equal(live(ObjectKind.PROCESS), 1, "a process without handles and threads")
    walk()


def _table_growth() -> None:
    note = make(Method.ACCOUNT_CREATE_NOTIFICATION)
    _, last = invoke(note, Method.COPY, ALL_RIGHTS)
    for _ in range(1000):
        status, handle = invoke(last, Method.COPY, ALL_RIGHTS)
        expect(status, Status.OK, "copy")
        drop(last)
        last = handle
    first = last
    for _ in range(1000):
        status, handle = invoke(note, Method.COPY, ALL_RIGHTS)
        expect(status, Status.OK, "one more copy")
        last = handle
    walk()
    status, same = invoke(first, Method.COMPARE, last)
    expect(status, Status.OK, "compare")
    check_equal(same, 1, "copies")
