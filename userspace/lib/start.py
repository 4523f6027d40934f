"""How a program starts and how it fails: the first instruction, and the end by a failed check.

A program exports `main`, which gets the address of its thread's ring and returns the exit status.
"""
from typing import NoReturn

from compiler.prelude import addr, asm_x64, const, export, naked, panic_handler, u32, u64, zeroed
from compiler.prelude.x64 import *
from userspace.lib.syscall import debug_log, debug_log_bytes, exit_process
from userspace.lib.text import Text

FAILED_CHECK = const(101)               # exit status of a program that panicked


@export("_start")
@naked
@asm_x64
def start() -> None:
    raw("call main")
    mov(rdi, rax)
    call(exit_process)
    ud2()


@panic_handler
def on_panic(message: str, file: str, line: u32) -> NoReturn:
    _ = debug_log(message)
    place: Text = zeroed()
    place.text(file)
    place.text(":")
    place.number(u64(line), False, 10, 0, 0)
    _ = debug_log_bytes(u64(addr(place.characters)), u64(place.length))
    exit_process(FAILED_CHECK)
