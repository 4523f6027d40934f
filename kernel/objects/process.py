"""The life of a process: made from parts, ended by its exit or a fault of its own.

The machine ends with the first process.
"""
from typing import NoReturn

from compiler.prelude import addr, ptr, u64
from kernel.arch.x86_64.registers import write_cr3
from kernel.core import log
from kernel.core.line import Line
from kernel.core.machine_end import stop_machine
from kernel.core.process_block import Process
from kernel.core.thread_block import current_thread
from kernel.memory import address_space, kernel_space


def end_current(status: u64) -> NoReturn:
    """Ends the process whose thread this CPU runs."""
    process = current_thread().process
    _report(process, status)
    write_cr3(kernel_space.root)
    address_space.destroy(process.page_tables)
    stop_machine(status == 0)


def _report(process: ptr[Process], status: u64) -> None:
    line = Line()
    line.text("exit: ")
    line.untrusted(process.name_text())
    line.text(" status=")
    line.decimal(status)
    log.write(addr(line))
