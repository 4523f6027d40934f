"""A device of the old PC as its driver holds it: a range of I/O ports and an interrupt, both capabilities."""
from compiler.prelude import addr, const, ptr, struct, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.interrupt import Source
from kernel.abi.methods import Method
from kernel.abi.ring import Operation as Opcode
from kernel.abi.ring import Submission
from userspace.lib.asyncio.loop import perform
from userspace.lib.asyncio.sleepers import sleep_ns
from userspace.lib.reactor import Operation
from userspace.lib.start_info import start_info
from userspace.lib.syscall import invoke

_BIT = const(1)                         # of the notification
_BYTE = const(1)
_ATTEMPTS = const(200)
_PAUSE_NS = const(5_000_000)


@struct
class Device:
    ports: u64
    interrupt: u64
    notification: u64

    def read(self, register: u64) -> u8:
        _, value = invoke(self.ports, Method.IO_PORTS_READ, register, _BYTE)
        return u8(value)

    def write(self, register: u64, value: u64) -> None:
        _, _ = invoke(self.ports, Method.IO_PORTS_WRITE, register, _BYTE, value)

    async def wait(self) -> None:
        """Waits for the interrupt and acknowledges it. Look at the device before and after: it may have come early."""
        entry = Submission(operation=u8(Opcode.WATCH), capability=self.notification, word0=_BIT)
        operation: Operation = zeroed()
        await perform(addr(entry), addr(operation))
        _, _ = invoke(self.interrupt, Method.INTERRUPT_ACKNOWLEDGE)


async def open_device(device: ptr[Device], first_port: u64, ports: u64, line: u64) -> str:
    """`line` is a number of the old PC's. Returns what went wrong, or nothing.

    Waits a while for a driver that has ended to let go of the interrupt.
    """
    info = start_info()
    if info.system == 0:
        return "this program was not given the System object"
    status, device.ports = invoke(info.system, Method.SYSTEM_CREATE_IO_PORTS, info.account, first_port, ports)
    if status != Status.OK:
        return "its ports cannot be had"
    for _ in range(_ATTEMPTS):
        status, device.interrupt = invoke(info.system, Method.SYSTEM_CREATE_INTERRUPT, info.account, line, Source.ISA)
        if status != Status.BUSY:
            break
        await sleep_ns(_PAUSE_NS)
    if status != Status.OK:
        return "its interrupt cannot be had"
    status, device.notification = invoke(info.account, Method.ACCOUNT_CREATE_NOTIFICATION)
    if status == Status.OK:
        status, _ = invoke(device.interrupt, Method.INTERRUPT_BIND, device.notification, _BIT)
    return "" if status == Status.OK else "its interrupt cannot be bound"
