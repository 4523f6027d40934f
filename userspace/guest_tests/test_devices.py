"""I/O ports and device memory from outside: what is granted works, everything else stops only the offender."""
from collections.abc import Callable

import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
from compiler.prelude import addr, array, asm_x64, const, export, mem64, struct, u8, u16, u64, zeroed
from compiler.prelude.x64 import *
from kernel.abi.bootinfo import OWN_PROCESS, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.memory import EXECUTE, READ, WRITE, Cache
from kernel.abi.methods import Method
from kernel.abi.objects import ExitCause, Resource
from kernel.abi.rights import Right
from userspace.guest_tests.clone import await_end, make_child
from userspace.guest_tests.memory_tools import PLACE, charged, expect, settle
from userspace.guest_tests.report import begin, check_equal, check_numbered, end, plan
from userspace.lib.memory import PAGE, map_memory, seal, unmap
from userspace.lib.syscall import close, exit_process, invoke, yield_now

_CASES = const(6)
_STACK_BYTES = const(8192)
_PROTECTION = const(13)
_SCRATCH_PORT = const(0x3FF)            # the first serial port's scratch register
_LAST_PORT = const(0xFFFF)
_GAP = const(0xF800_0000)               # where no device of these machines is
_MEMORY = const(0x40_0000)
_IO_APIC = const(0xFEC0_0000)
_TIMER = const(0xFED0_0000)
_LOCAL_APIC = const(0xFEE0_0000)
_RANGES = const(8)


@struct(align=16)
class Stack:
    bytes: array[u8, _STACK_BYTES]


_stack: Stack = zeroed()
_handles: array[u64, _RANGES + 1] = zeroed()


@export("main")
def main(ring: u64) -> u64:
    plan(_CASES)
    begin("ports_are_refused")
    _ports_are_refused()
    begin("ports_are_granted")
    _ports_are_granted()
    begin("grants_end")
    _grants_end()
    begin("refusals_of_ports")
    _refusals_of_ports()
    begin("refusals_of_device_memory")
    _refusals_of_device_memory()
    begin("device_memory")
    _device_memory()
    end()


def make_ports(first: u64, count: u64) -> u64:
    status, ports = invoke(SYSTEM, Method.SYSTEM_CREATE_IO_PORTS, ROOT_ACCOUNT, first, count)
    expect(status, Status.OK, "creation of ports")
    return ports


def do(handle: u64, method: u64, first: u64 = 0) -> None:
    status, _ = invoke(handle, method, first)
    expect(status, Status.OK, "operation")


def _child(function: Callable[[u64], None], argument: u64) -> tuple[u64, u64]:
    return make_child(function, argument, u64(addr(_stack)) + _STACK_BYTES)


def _expect_end(process: u64, thread: u64, cause: ExitCause, value: u64, number: u64) -> None:
    found, status = await_end(process)
    check_numbered(found, u64(cause), "cause of the end", number)
    check_numbered(status, value, "status", number)
    expect(close(thread), Status.OK, "close")
    expect(close(process), Status.OK, "close")


def _ports_are_refused() -> None:
    ports: array[u64, 8] = array(0, 0x20, 0x60, 0xF4, _SCRATCH_PORT, 0xCF8, 0x1000, _LAST_PORT)
    for index in range(u64(8)):
        process, thread = _child(_read_port, ports[index])
        do(thread, Method.THREAD_START)
        _expect_end(process, thread, ExitCause.EXCEPTION, _PROTECTION, index)
    settle()


def _ports_are_granted() -> None:
    ports = make_ports(_SCRATCH_PORT, 1)
    last = make_ports(_LAST_PORT, 1)
    for number in range(u64(6)):
        is_granted = number < 3
        port: u64 = _SCRATCH_PORT
        function = _write_and_read_port
        match number:
            case 1:
                port = _LAST_PORT
                function = _read_port
            case 3:
                port = _SCRATCH_PORT - 1
            case 4:
                port = _SCRATCH_PORT + 1
            case 5:
                port = _LAST_PORT
                function = _read_two_ports
        process, thread = _child(function, port)
        do(ports, Method.IO_PORTS_ALLOW, process)
        do(last, Method.IO_PORTS_ALLOW, process)
        do(thread, Method.THREAD_START)
        wanted: u64 = 0xFF if number == 1 else 0x5A
        _expect_end(
            process, thread, ExitCause.EXIT if is_granted else ExitCause.EXCEPTION,
            wanted if is_granted else u64(_PROTECTION), number,
        )
    expect(close(ports), Status.OK, "close")
    expect(close(last), Status.OK, "close")
    settle()


def _grants_end() -> None:
    """A program that uses a port without end stops when the grant ends, however that happens."""
    for number in range(u64(2)):
        ports = make_ports(_SCRATCH_PORT, 1)
        status, lease = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE, 0, 0)
        expect(status, Status.OK, "lease")
        status, leased = invoke(ports, Method.MINT, Right.READ | Right.WRITE, 0, lease)
        expect(status, Status.OK, "mint")
        process, thread = _child(_use_port_for_ever, _SCRATCH_PORT)
        do(leased, Method.IO_PORTS_ALLOW, process)
        do(thread, Method.THREAD_START)
        for _ in range(200):
            yield_now()
        status, _ = invoke(process, Method.PROCESS_EXIT_CAUSE)
        expect(status, Status.WOULD_BLOCK, "a program that may use its port")
        if number == 0:
            do(leased, Method.IO_PORTS_FORBID, process)
        else:
            do(lease, Method.LEASE_END)
        _expect_end(process, thread, ExitCause.EXCEPTION, _PROTECTION, number)
        expect(close(leased), Status.OK, "close")
        expect(close(lease), Status.OK, "close")
        expect(close(ports), Status.OK, "close")
    settle()


def _refusals_of_ports() -> None:
    objects = charged(ROOT_ACCOUNT, Resource.OBJECTS)
    status, _ = invoke(SYSTEM, Method.SYSTEM_CREATE_IO_PORTS, ROOT_ACCOUNT, 0, 0)
    expect(status, Status.BAD_ARGUMENT, "no ports")
    status, _ = invoke(SYSTEM, Method.SYSTEM_CREATE_IO_PORTS, ROOT_ACCOUNT, 65536, 1)
    expect(status, Status.BAD_ARGUMENT, "a port too high")
    status, _ = invoke(SYSTEM, Method.SYSTEM_CREATE_IO_PORTS, ROOT_ACCOUNT, 1, 65536)
    expect(status, Status.BAD_ARGUMENT, "a port too many")
    status, _ = invoke(SYSTEM, Method.SYSTEM_CREATE_IO_PORTS, ROOT_ACCOUNT, 1, 0xFFFF_FFFF_FFFF_FFFF)
    expect(status, Status.BAD_ARGUMENT, "ports that wrap")
    for index in range(u64(_RANGES + 1)):
        _handles[index] = make_ports(0x400 + index, 1)
        status, _ = invoke(_handles[index], Method.IO_PORTS_ALLOW, OWN_PROCESS)
        check_numbered(u64(status), u64(Status.OK if index < _RANGES else Status.OVER_LIMIT), "allow", index)
    status, _ = invoke(_handles[0], Method.IO_PORTS_ALLOW, OWN_PROCESS)
    expect(status, Status.BUSY, "allow twice")
    for index in range(u64(_RANGES + 1)):
        status, _ = invoke(_handles[index], Method.IO_PORTS_FORBID, OWN_PROCESS)
        check_numbered(u64(status), u64(Status.OK if index < _RANGES else Status.NOT_MAPPED), "forbid", index)
        expect(close(_handles[index]), Status.OK, "close")
    settle()
    check_equal(charged(ROOT_ACCOUNT, Resource.OBJECTS), objects, "objects were lost")


def _refuse(physical: u64, length: u64, cache: u64, wanted: Status, number: u64) -> None:
    status, _ = invoke(SYSTEM, Method.SYSTEM_CREATE_DEVICE_MEMORY, ROOT_ACCOUNT, physical, length, cache)
    check_numbered(u64(status), u64(wanted), "device memory", number)


def _refusals_of_device_memory() -> None:
    _refuse(0, PAGE, Cache.UNCACHED, Status.BAD_ADDRESS, 0)
    _refuse(_MEMORY, PAGE, Cache.UNCACHED, Status.BAD_ADDRESS, 1)
    _refuse(_LOCAL_APIC, PAGE, Cache.UNCACHED, Status.BAD_ADDRESS, 2)
    _refuse(_IO_APIC, PAGE, Cache.UNCACHED, Status.BAD_ADDRESS, 3)
    _refuse(_TIMER, PAGE, Cache.UNCACHED, Status.BAD_ADDRESS, 4)
    _refuse(_LOCAL_APIC - PAGE, 2 * PAGE, Cache.UNCACHED, Status.BAD_ADDRESS, 5)
    _refuse(u64(1) << 44, PAGE, Cache.UNCACHED, Status.BAD_ADDRESS, 6)
    _refuse(_GAP, u64(1) << 63, Cache.UNCACHED, Status.BAD_ADDRESS, 7)
    _refuse(_GAP + 8, PAGE, Cache.UNCACHED, Status.BAD_ARGUMENT, 8)
    _refuse(_GAP, PAGE - 8, Cache.UNCACHED, Status.BAD_ARGUMENT, 9)
    _refuse(_GAP, 0, Cache.UNCACHED, Status.BAD_ARGUMENT, 10)
    _refuse(_GAP, PAGE, 2, Status.BAD_ARGUMENT, 11)


def _device_memory() -> None:
    frames: u64 = 0
    for cache in range(u64(2)):
        if cache == 1:
            # The page tables of the place have been made and paid for.
            frames = charged(ROOT_ACCOUNT, Resource.FRAMES)
        status, memory = invoke(
            SYSTEM, Method.SYSTEM_CREATE_DEVICE_MEMORY, ROOT_ACCOUNT, _GAP, u64(64 * PAGE), cache
        )
        expect(status, Status.OK, "creation")
        expect(seal(memory), Status.BAD_OPERATION, "seal a device")
        place: u64 = PLACE
        expect(map_memory(memory, OWN_PROCESS, place | READ | EXECUTE, 0, PAGE), Status.NO_RIGHT, "execute a device")
        expect(map_memory(memory, OWN_PROCESS, place | READ | WRITE, PAGE, 2 * PAGE), Status.OK, "map")
        mem64[place] = 0x55
        check_numbered(u64(mem64[place] == 0x55), 0, "memory where no device is", cache)
        expect(unmap(OWN_PROCESS, place, 2 * PAGE), Status.OK, "unmap")
        expect(close(memory), Status.OK, "close")
    settle()
    check_equal(charged(ROOT_ACCOUNT, Resource.FRAMES) - frames, 0, "frames charged for a device")


def _read_port(port: u64) -> None:
    exit_process(u64(_in8(u16(port))))


def _read_two_ports(port: u64) -> None:
    exit_process(u64(_in16(u16(port))))


def _write_and_read_port(port: u64) -> None:
    _out8(u16(port), 0x5A)
    exit_process(u64(_in8(u16(port))))


def _use_port_for_ever(port: u64) -> None:
    while True:
        _out8(u16(port), 0x5A)


@asm_x64
def _in8(port: u16) -> u8:
    mov(edx, edi)
    in_(al, dx)


@asm_x64
def _in16(port: u16) -> u16:
    mov(edx, edi)
    in_(ax, dx)


@asm_x64
def _out8(port: u16, value: u8) -> None:
    mov(edx, edi)
    mov(eax, esi)
    out(dx, al)
