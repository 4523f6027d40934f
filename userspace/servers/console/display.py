"""The screen and the lines of the log: what the program that has taken the console shows.

kernel/core/console.py writes, as it does for the kernel; here it has a mapping of the screen and the ports of COM1.
"""
from compiler.prelude import addr, const, copy, span, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.log import LOG_RECORDS, LogRecord
from kernel.abi.memory import READ, WRITE, Cache
from kernel.abi.methods import Method
from kernel.core import console, screen
from userspace.lib import notification
from userspace.lib.asyncio.sleepers import sleep_ns
from userspace.lib.machine_info import machine_info
from userspace.lib.memory import PAGE, map_memory
from userspace.lib.start_info import start_info
from userspace.lib.syscall import invoke
from userspace.servers.console.old_lines import draw_old_lines, note_old_lines
from userspace.servers.console.serial_line import begin_sending, end_sending

_PLACE = const(0x30_0000_0000)
_BIT = const(1)                         # of the notification: there are lines
_PAGE_MASK = const(PAGE - 1)

_console: u64 = 0
_bell: u64 = 0
_most_lines: u64 = 0                    # that wait at one time
_times_borrowed: u64 = 0                # by the kernel, as far as is known here


def take_console() -> str:
    """Screen and serial line are this program's from here on. Returns what went wrong, or nothing."""
    global _console, _bell, _most_lines
    info = start_info()
    machine = machine_info()
    if machine is None:
        return "it cannot learn what machine this is"
    _most_lines = machine.cpus * LOG_RECORDS
    status, _bell = invoke(info.account, Method.ACCOUNT_CREATE_NOTIFICATION)
    note_old_lines()
    if status == Status.OK:
        status, _console = invoke(info.system, Method.SYSTEM_TAKE_CONSOLE, info.account, _bell, _BIT)
    if status == Status.OK and machine.screen.width != 0:
        status = _open_screen()
    return "" if status == Status.OK else "it cannot have the screen"


def show_text(text: span[u8]) -> None:
    """What the log has said before it comes before it."""
    _ = _show_lines()
    begin_sending()
    console.write_text(text)
    end_sending()


async def show_log() -> None:
    """A task of its own. Other tasks have their turn between as many lines as can wait."""
    while True:
        if _show_lines():
            await sleep_ns(0)
        elif await notification.wait(_bell, _BIT) == 0:
            return


def _open_screen() -> Status:
    info = start_info()
    machine = machine_info()
    if machine is None:
        return Status.BAD_HANDLE
    form = copy(machine.screen)
    offset = form.address & _PAGE_MASK
    length = (offset + form.pitch * form.height + _PAGE_MASK) & ~u64(_PAGE_MASK)
    status, memory = invoke(
        info.system, Method.SYSTEM_CREATE_DEVICE_MEMORY, info.account, form.address - offset, length,
        Cache.WRITE_COMBINING,
    )
    if status == Status.OK:
        status = map_memory(memory, info.process, u64(_PLACE) | READ | WRITE, 0, length)
    if status == Status.OK:
        form.address = _PLACE + offset
        if screen.start(addr(form)):
            draw_old_lines()
    return status


def _show_lines() -> bool:
    """Returns whether there may be more, after as many as may have been there when it was called."""
    global _times_borrowed
    record: LogRecord = zeroed()
    for _ in range(_most_lines):
        status, times = invoke(_console, Method.CONSOLE_READ_LINE, u64(addr(record)))
        if times != _times_borrowed:
            _times_borrowed = times
            screen.draw_again()
        if status != Status.OK:
            return False
        begin_sending()
        console.write_line(record.level, record.text[0 : record.length])
        end_sending()
    return True
