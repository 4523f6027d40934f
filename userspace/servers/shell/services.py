"""The services as the shell sees them: init's table, and the bell that ends one."""
from compiler.prelude import addr, const, ptr, span, u8, u64
from kernel.abi.errors import Status
from kernel.abi.memory import READ
from userspace.lib import notification
from userspace.lib.memory import PAGE, map_memory
from userspace.lib.services import KILL_NAME, MOST_SERVICES, TABLE_NAME, Service, ServiceTable
from userspace.lib.start_info import find_grant, is_same, start_info

_PLACE = const(0x30_0000_0000)

_is_mapped: bool = False


def open_services() -> None:
    """Without a table there are no services to see."""
    global _is_mapped
    memory = find_grant(TABLE_NAME)
    if memory != 0:
        _is_mapped = map_memory(memory, start_info().process, u64(_PLACE) | READ, 0, PAGE) == Status.OK


def service_at(place: u64) -> ptr[Service] | None:
    if not _is_mapped:
        return None
    service = addr(ptr[ServiceTable](_PLACE).services[place])
    return service if service.starts != 0 else None


def name_of(service: ptr[Service]) -> span[u8]:
    return service.name[0 : service.name_length]


def end_service(name: span[u8]) -> bool:
    """Returns False when there is none of this name."""
    for place in range(u64(MOST_SERVICES)):
        service = service_at(place)
        if service is not None and is_same(name_of(service), name):
            notification.signal(find_grant(KILL_NAME), u64(1) << place)
            return True
    return False
