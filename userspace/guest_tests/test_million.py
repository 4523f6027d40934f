"""A million capabilities closed at once: in slices, while another thread goes on, and nothing is left of them."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, const, export, u64
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, ROOT_ACCOUNT
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ProcessState, Resource
from kernel.abi.rights import Right
from userspace.guest_tests.calls import snapshot, wait_for, walk
from userspace.guest_tests.report import begin, check, check_numbered, end, plan
from userspace.lib.syscall import close, invoke, yield_now

_CASES = const(2)
_MILLION = const(1_000_000)
_MOST_HANDLES = const((1 << 20) - 1)    # slot 0 is never used
_FEWEST_BEATS = const(10)


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("close_in_slices")
    before = snapshot()
    child = _fill(_MILLION)
    _kill_and_go_on(child)
    wait_for(before)
    check_numbered(snapshot(), before, "what is left", 0)
    walk(0)
    begin("full_table")
    child = _fill(_MOST_HANDLES)
    status, _ = invoke(INSPECT, Method.COPY_TO, child, 0)
    check_numbered(u64(status), Status.OVER_LIMIT, "one more than a table holds", 0)
    _kill_and_go_on(child)
    wait_for(before)
    check_numbered(snapshot(), before, "what is left", 0)
    end()


def _fill(handles: u64) -> u64:
    name = b"hoarder"
    status, child = invoke(
        ROOT_ACCOUNT, Method.ACCOUNT_CREATE_PROCESS, u64(addr(name[0])), u64(len(name)), OWN_PROCESS
    )
    check_numbered(u64(status), Status.OK, "creation", 0)
    for index in range(handles):
        status, _ = invoke(INSPECT, Method.COPY_TO, child, Right.INSPECT)
        check_numbered(u64(status), Status.OK, "copy", index)
    _, charged = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CHARGED, Resource.SLOTS)
    check(charged > handles, "the table is charged for")
    return child


def _kill_and_go_on(child: u64) -> None:
    """This thread has its turns while the table is emptied."""
    _, _ = invoke(child, Method.PROCESS_KILL, 0)
    beats: u64 = 0
    _, state = invoke(child, Method.PROCESS_STATE)
    while state != ProcessState.ENDED:
        beats += 1
        yield_now()
        _, state = invoke(child, Method.PROCESS_STATE)
    check_numbered(max(beats, _FEWEST_BEATS), beats, "turns of this thread while the table was emptied", 0)
    _ = close(child)
