"""The first process: made by the kernel from the module init.elf, with one thread, one stack and one ring."""
from typing import NoReturn

from compiler.prelude import addr, const, copy, panic, ptr, span, u8, u64
from kernel.abi.layout import FIRST_RING, FIRST_STACK_BYTES, FIRST_STACK_END
from kernel.arch.x86_64 import paging
from kernel.arch.x86_64.frame import Registers
from kernel.boot import machine, user_elf
from kernel.core import log, schedule
from kernel.core.line import Line
from kernel.core.options import is_equal
from kernel.core.process_block import Process
from kernel.core.thread_block import Thread, prepare
from kernel.memory import address_space, physical, window
from kernel.objects import ring as rings

_MODULE = const("init.elf")
_NAME = const("init")
_PRIORITY = const(32)


def start_first_process() -> NoReturn:
    file = _find_module()
    root = address_space.create()
    if root == 0:
        panic("out of memory for the first process")
    problem = user_elf.load(file, root)
    if len(problem) != 0:
        _report(problem)
        panic("the first program cannot be loaded")
    stack_start = u64(FIRST_STACK_END - FIRST_STACK_BYTES)
    if not address_space.map_fresh(root, stack_start, FIRST_STACK_BYTES, paging.USER_DATA):
        panic("out of memory for the first process")
    ring = rings.create(root, FIRST_RING)
    if ring is None:
        panic("out of memory for the first process")
    process = ptr[Process](_new_object())
    process.page_tables = root
    process.threads.store(1, "relaxed")
    for character in _NAME.encode():
        process.name[process.name_length] = character
        process.name_length += 1
    thread = ptr[Thread](_new_object())
    thread.process = process
    thread.ring = ring
    registers = Registers(rip=user_elf.entry_point(file), rsp=FIRST_STACK_END, rdi=FIRST_RING)
    thread.registers = copy(registers)
    prepare(thread, _PRIORITY)
    schedule.make_ready(thread)
    schedule.run()


def _find_module() -> span[u8]:
    for index in range(machine.module_count):
        module = addr(machine.modules[index])
        if is_equal(module.name[0 : module.name_length], _MODULE):
            return span(ptr[u8](module.address), module.length)
    panic("there is no module init.elf")


def _new_object() -> u64:
    """Kernel memory of one page: objects share pages once there are slabs."""
    frame = physical.allocate_zeroed()
    if frame == 0:
        panic("out of memory for the first process")
    return window.address(frame)


def _report(problem: str) -> None:
    line = Line()
    line.text("boot: init.elf: ")
    line.text(problem)
    log.write(addr(line))
