"""The first program: submits one no-op, reads its completion, and reports."""
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, const, export, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.ring import Completion, Operation, Submission
from userspace.lib.ring import Ring, open_ring
from userspace.lib.syscall import debug_log

_USER_DATA = const(0x52494E47)


@export("main")
def main(ring_address: u64) -> u64:
    _ = debug_log("test: plan 1")
    if not _runs_nop(ring_address):
        _ = debug_log("test: fail nop: it did not complete as it was submitted")
        _ = debug_log("test: end passed=0 failed=1")
        return 1
    _ = debug_log("user: nop completed")
    _ = debug_log("test: ok nop")
    _ = debug_log("test: end passed=1 failed=0")
    return 0


def _runs_nop(ring_address: u64) -> bool:
    ring: Ring = zeroed()
    open_ring(addr(ring), ring_address)
    entry = Submission(operation=Operation.NOP, user_data=_USER_DATA)
    completion: Completion = zeroed()
    return (
        ring.submit(addr(entry))
        and ring.enter(1, 1) == Status.OK
        and ring.next_completion(addr(completion))
        and completion.user_data == _USER_DATA
        and completion.status == Status.OK
    )
