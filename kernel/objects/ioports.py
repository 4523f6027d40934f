"""The IoPorts object: a range of I/O ports, read and written for its holder, or granted to programs of a process."""
from compiler.prelude import addr, const, noinline, ptr, sizeof, u8, u16, u32, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.arch.x86_64.registers import in8, in16, in32, out8, out16, out32
from kernel.caps import table
from kernel.caps.object import Account, Object
from kernel.core.destruction import set_destroyer
from kernel.core.process_block import Process
from kernel.objects import port_grants
from kernel.objects.creation import create, free
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.objects.io_ports_block import IoPorts

_PORTS = const(0x1_0000)


def start() -> None:
    set_destroyer(ObjectKind.IO_PORTS, destroy_io_ports)
    port_grants.start()


def create_io_ports(call: ptr[Invocation]) -> tuple[Status, u64]:
    first = call.arguments[1]
    count = call.arguments[2]
    if count == 0 or first >= _PORTS or count > _PORTS - first:
        return Status.BAD_ARGUMENT, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    header, created = create(ObjectKind.IO_PORTS, sizeof(IoPorts), ptr[Account](call.argument_object(0)))
    if header is None:
        table.give_back(addr(call.process.table), slot)
        return created, 0
    ports = ptr[IoPorts](header)
    ports.first = first
    ports.count = count
    return Status.OK, give_object(call.process, slot, header)


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    ports = ptr[IoPorts](call.target())
    match call.method:
        case Method.IO_PORTS_ALLOW:
            return port_grants.allow(ptr[Process](call.argument_object(0)), addr(call.capability)), 0
        case Method.IO_PORTS_FORBID:
            return port_grants.forbid(ptr[Process](call.argument_object(0)), ports), 0
    offset = call.arguments[0]
    width = call.arguments[1]
    if width != 1 and width != 2 and width != 4 or width > ports.count or offset > ports.count - width:
        return Status.BAD_ARGUMENT, 0
    port = u16(ports.first + offset)
    if call.method == Method.IO_PORTS_READ:
        return Status.OK, _read(port, width)
    _write(port, width, call.arguments[2])
    return Status.OK, 0


def destroy_io_ports(header: ptr[Object]) -> bool:
    free(header)
    return True


def _read(port: u16, width: u64) -> u64:
    match width:
        case 1:
            return u64(in8(port))
        case 2:
            return u64(in16(port))
        case _:
            return u64(in32(port))


def _write(port: u16, width: u64, value: u64) -> None:
    match width:
        case 1:
            out8(port, u8(value))
        case 2:
            out16(port, u16(value))
        case _:
            out32(port, u32(value))
