"""Two threads at one capability: whoever comes first wins, nobody else does, and nothing is lost.

In each round the first thread makes a capability and both do something with it at once; with one CPU their turns
decide. The walker counts after each case.
"""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, atomic, const, export, spin_hint, u64
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.rights import ALL_RIGHTS
from userspace.guest_tests.calls import snapshot, wait_for, walk
from userspace.guest_tests.report import begin, check_numbered, end, plan, rounds
from userspace.guest_tests.threads import finish, spawn
from userspace.lib.syscall import close, invoke, yield_now

_CASES = const(6)
_SPINS = const(64)
_MOVED_AT_ONCE = const(1_000)

_CLOSE = const(0)
_MOVE = const(1)
_USE = const(2)
_COPY = const(3)

_round: atomic[u64] = 0                 # that the second thread is to take part in
_done: atomic[u64] = 0                  # that it has taken part in
_handle: u64 = 0
_what: u64 = 0                          # the second thread does
_status: u64 = 0                        # how it went there
_value: u64 = 0
_child: u64 = 0


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    _make_child()
    helper = spawn(0, _help)
    begin("close_against_close")
    _race(_CLOSE, _CLOSE)
    begin("close_against_use")
    _race(_CLOSE, _USE)
    begin("close_against_copy")
    _race(_CLOSE, _COPY)
    begin("close_against_move")
    _race(_CLOSE, _MOVE)
    begin("move_against_move")
    _race(_MOVE, _MOVE)
    begin("lease_end_against_use")
    _race_lease()
    finish(helper)
    end()


def _race(mine: u64, theirs: u64) -> None:
    before = snapshot()
    for number in range(rounds(10_000, 100_000)):
        _, handle = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
        _begin_round(handle, theirs)
        status, _ = _do(mine, handle)
        _end_round()
        wins = u64(status == Status.OK)
        if mine == _MOVE and number % _MOVED_AT_ONCE == 0:
            _renew_child()
        if theirs == _CLOSE or theirs == _MOVE:
            wins += u64(_status == Status.OK)
        elif _status != Status.OK:
            check_numbered(_status, Status.BAD_HANDLE, "use of a handle that is being closed, in round", number)
        check_numbered(wins, 1, "winners in round", number)
        if theirs == _COPY and _status == Status.OK:
            check_numbered(u64(close(_value)), Status.OK, "close of the copy in round", number)
        check_numbered(u64(close(handle)), Status.BAD_HANDLE, "a third close in round", number)
    if theirs != _MOVE:
        wait_for(before)
        check_numbered(snapshot(), before, "what is left", 0)
    walk(0)


def _renew_child() -> None:
    """So that what was moved there is not kept for ever."""
    _, _ = invoke(_child, Method.PROCESS_KILL, 0)
    _ = close(_child)
    _make_child()


def _make_child() -> None:
    global _child
    name = b"child"
    _, _child = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_PROCESS, u64(addr(name[0])), u64(len(name)), OWN_PROCESS)


def _race_lease() -> None:
    """What the use answers is one of two things before the end has returned, and REVOKED after."""
    _, note = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_NOTIFICATION)
    before = snapshot()
    for number in range(rounds(10_000, 100_000)):
        _, lease = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE)
        _, minted = invoke(note, Method.MINT, ALL_RIGHTS, 0, lease)
        _begin_round(minted, _USE)
        _, _ = invoke(lease, Method.LEASE_END)
        late, _ = _do(_USE, minted)
        check_numbered(u64(late), Status.REVOKED, "use after the end in round", number)
        _end_round()
        if _status != Status.OK:
            check_numbered(_status, Status.REVOKED, "use during the end in round", number)
        _ = close(minted)
        _ = close(lease)
    wait_for(before)
    check_numbered(snapshot(), before, "what is left", 0)
    _ = close(note)
    walk(0)


def _begin_round(handle: u64, what: u64) -> None:
    global _handle, _what
    _handle = handle
    _what = what
    _round.store(_round.load("relaxed") + 1, "release")


def _end_round() -> None:
    number = _round.load("relaxed")
    while _done.load("acquire") != number:
        yield_now()


def _help(index: u64) -> None:
    """The second thread."""
    global _status, _value
    spins: u64 = 0
    while True:
        number = _round.load("acquire")
        if number == _done.load("relaxed"):
            spins += 1
            if spins % _SPINS == 0:
                yield_now()
            spin_hint()
            continue
        status, _value = _do(_what, _handle)
        _status = u64(status)
        _done.store(number, "release")


def _do(what: u64, handle: u64) -> tuple[Status, u64]:
    match what:
        case 0:
            return close(handle), 0
        case 1:
            return invoke(handle, Method.MOVE_TO, _child)
        case 2:
            return invoke(handle, Method.NOTIFICATION_SIGNAL, 1)
        case _:
            return invoke(handle, Method.COPY, ALL_RIGHTS)
