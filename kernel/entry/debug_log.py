"""debug_log: one line of a user program's text in the kernel's log."""
from compiler.prelude import addr, array, ptr, span, u8, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.syscall import DEBUG_LOG_BYTES
from kernel.core import log
from kernel.core.line import Line
from kernel.memory.usercopy import copy_from_user
from kernel.selftest import tests
from kernel.selftest.choice import SELFTEST


def debug_log(text: u64, length: u64) -> Status:
    if length > DEBUG_LOG_BYTES:
        return Status.BAD_ARGUMENT
    characters: array[u8, DEBUG_LOG_BYTES] = zeroed()
    start = ptr[u8](addr(characters))
    if not copy_from_user(start, text, length):
        return Status.BAD_ADDRESS
    if SELFTEST:
        tests.run_in_call()
    if not log.has_room():
        return Status.BUSY
    line = Line()
    line.untrusted(span(start, length))
    log.write(addr(line))
    return Status.OK
