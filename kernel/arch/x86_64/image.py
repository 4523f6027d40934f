"""Where the linker put the parts of the kernel image."""
from compiler.prelude import asm_x64, u64
from compiler.prelude.x64 import *


@asm_x64
def image_start() -> u64:
    raw("lea rax, [rip + __image_start]")


@asm_x64
def image_end() -> u64:
    raw("lea rax, [rip + __image_end]")


@asm_x64
def text_start() -> u64:
    raw("lea rax, [rip + __text_start]")


@asm_x64
def rodata_start() -> u64:
    raw("lea rax, [rip + __rodata_start]")


@asm_x64
def data_start() -> u64:
    raw("lea rax, [rip + __data_start]")


@asm_x64
def percpu_start() -> u64:
    raw("lea rax, [rip + __percpu_start]")


@asm_x64
def percpu_end() -> u64:
    raw("lea rax, [rip + __percpu_end]")


@asm_x64
def text_end() -> u64:
    raw("lea rax, [rip + __text_end]")


@asm_x64
def symbols_start() -> u64:
    raw("lea rax, [rip + __symbols_start]")


@asm_x64
def symbols_end() -> u64:
    raw("lea rax, [rip + __symbols_end]")
