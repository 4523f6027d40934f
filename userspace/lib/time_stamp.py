"""The processor's time stamp counter, as it is: time.py makes nanoseconds of it."""
from compiler.prelude import asm_x64, u64
from compiler.prelude.x64 import *


@asm_x64
def time_stamp() -> u64:
    rdtsc()
    shl(rdx, 32)
    or_(rax, rdx)
