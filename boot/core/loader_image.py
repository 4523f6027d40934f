"""Where this loader lies in memory."""
from compiler.prelude import asm_x64, u64
from compiler.prelude.x64 import *


@asm_x64
def image_start() -> u64:
    """The first byte of what the linker laid out."""
    raw("lea rax, [rip + __image_start]")


@asm_x64
def image_end() -> u64:
    raw("lea rax, [rip + __image_end]")
