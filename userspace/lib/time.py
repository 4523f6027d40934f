"""Python's time: nanoseconds since the boot."""
from compiler.prelude import addr, ptr, u8, u64, zeroed
from kernel.abi.ring import Operation as Opcode
from kernel.abi.ring import Submission
from userspace.lib import reactor
from userspace.lib.reactor import Operation


def monotonic_ns() -> u64:
    """The time that a timer reports whose deadline has passed."""
    operation: Operation = zeroed()
    operation.wake = _nobody_waits
    entry = Submission(operation=u8(Opcode.TIMER), deadline_ns=1)
    while not reactor.has_free_slot():
        reactor.wait(reactor.NO_DEADLINE)
    reactor.submit(addr(entry), addr(operation))
    while not operation.is_done:
        reactor.flush()
    return operation.completion.word0


def _nobody_waits(operation: ptr[Operation]) -> None:
    pass
