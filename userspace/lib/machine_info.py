"""What machine this is: the page that the kernel gives every program (kernel/abi/machine.py)."""
from compiler.prelude import const, ptr, u64
from kernel.abi.errors import Status
from kernel.abi.layout import START_INFO
from kernel.abi.machine import MachineInfo
from kernel.abi.memory import READ
from userspace.lib.memory import PAGE, map_memory
from userspace.lib.start_info import start_info

_PLACE = const(START_INFO + 2 * PAGE)   # behind the page of the time (time.py)


def machine_info() -> ptr[MachineInfo] | None:
    """Its first page: all but the list of regions."""
    info = start_info()
    status: Status = Status.BAD_HANDLE
    if info.machine != 0:
        status = map_memory(info.machine, info.process, u64(_PLACE) | READ, 0, PAGE)
    return ptr[MachineInfo](_PLACE) if status == Status.OK or status == Status.ALREADY_MAPPED else None
