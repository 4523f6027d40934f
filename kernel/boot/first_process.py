"""The first process: made by the kernel from a boot module, init.elf by default, with one thread, stack and ring."""
from typing import NoReturn

from compiler.prelude import addr, array, panic, ptr, u64, zeroed
from kernel.abi.bootinfo import INSPECT, OWN_PROCESS, OWN_THREAD, ROOT_ACCOUNT, SYSTEM
from kernel.abi.errors import Status
from kernel.abi.layout import FIRST_RING, FIRST_STACK_BYTES, FIRST_STACK_END
from kernel.abi.memory import READ, WRITE
from kernel.abi.program_file import Image
from kernel.abi.ring import COMPLETION_CAPACITY
from kernel.boot import machine, user_elf
from kernel.boot.start_info import give_start_info
from kernel.caps.object import Account, Object
from kernel.core import configuration, log, schedule
from kernel.core.line import Line
from kernel.core.process_block import Process
from kernel.core.thread_block import Thread
from kernel.memory import physical
from kernel.objects import process as processes
from kernel.objects import ring as rings
from kernel.objects import thread as threads
from kernel.objects.account import create_root_account
from kernel.objects.fresh import map_fresh
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.inspect import inspect
from kernel.objects.system import system


def start_first_process() -> NoReturn:
    file = machine.module_file(configuration.given.first_program)
    if len(file) == 0:
        panic("there is no module init.elf to start with, or it is empty")
    account = create_root_account(physical.total_frames())
    if account is None:
        panic("out of memory for the first process")
    process, _ = processes.make_process(account, configuration.given.first_program)
    if process is None:
        panic("out of memory for the first process")
    processes.machine_process = process
    image: Image = zeroed()
    problem = user_elf.load(file, process, addr(image))
    if len(problem) != 0:
        _report(problem)
        panic("the first program cannot be loaded")
    stack_start = u64(FIRST_STACK_END - FIRST_STACK_BYTES)
    if map_fresh(process, stack_start, FIRST_STACK_BYTES, READ | WRITE) != Status.OK:
        panic("out of memory for the first process")
    ring, _ = rings.create_ring(account, COMPLETION_CAPACITY)
    if ring is None or rings.map_ring(ring, process, FIRST_RING) != Status.OK:
        panic("out of memory for the first process")
    thread = _make_thread(process, account)
    thread.ring = ring
    ring.thread = addr(thread.header)
    if not give_start_info(process, account):
        panic("out of memory for the boot modules")
    thread.registers.rip = image.entry
    thread.registers.rsp = FIRST_STACK_END
    thread.registers.rdi = FIRST_RING
    _ = threads.start_thread(thread)
    schedule.run()


def _make_thread(process: ptr[Process], account: ptr[Account]) -> ptr[Thread]:
    thread, _ = threads.make_thread(account, process)
    if thread is None:
        panic("out of memory for the first process")
    given: array[ptr[Object], 5] = array(
        addr(process.header), addr(thread.header), addr(account.header), addr(system), addr(inspect)
    )
    handles: array[u64, 5] = array(OWN_PROCESS, OWN_THREAD, ROOT_ACCOUNT, SYSTEM, INSPECT)
    for index in range(len(given)):
        slot, _ = reserve_slot(process)
        if slot == 0:
            panic("out of memory for the first process")
        handle = give_object(process, slot, given[index])
        assert handle == handles[index], "the first handles are not where the first process looks for them"
    return thread


def _report(problem: str) -> None:
    line = Line()
    line.text("boot: ")
    line.untrusted(configuration.given.first_program)
    line.text(".elf cannot be started: ")
    line.text(problem)
    log.error_line(addr(line))
