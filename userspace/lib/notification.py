"""Notifications as doorbells: rung by anyone who holds the right, waited for by a task."""
from compiler.prelude import addr, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.ring import Operation as Opcode
from kernel.abi.ring import Submission
from userspace.lib.asyncio.loop import perform
from userspace.lib.reactor import Operation
from userspace.lib.syscall import invoke


def signal(notification: u64, bits: u64) -> None:
    _, _ = invoke(notification, Method.NOTIFICATION_SIGNAL, bits)


async def wait(notification: u64, bits: u64) -> u64:
    """Waits until one of the bits is set, and takes those that are. Returns 0 when it cannot be waited for any more."""
    entry = Submission(operation=u8(Opcode.WATCH), capability=notification, word0=bits)
    operation: Operation = zeroed()
    await perform(addr(entry), addr(operation))
    return operation.completion.word0 if operation.completion.status == Status.OK else u64(0)
