"""Numeric limits of the kernel."""
from compiler.prelude import const

CPU_LIMIT = const(256)
MEMORY_REGION_LIMIT = const(512)
LEAST_MEMORY_MEBIBYTES = const(32)
MODULE_LIMIT = const(16)
MODULE_NAME_BYTES = const(32)
COMMAND_LINE_BYTES = const(1024)
LOADER_NAME_BYTES = const(32)

KERNEL_STACK_BYTES = const(16 * 1024)
EXCEPTION_STACK_BYTES = const(8 * 1024)

SERIAL_IDLE_POLLS = const(1_000_000)        # a transmitter that is not ready by then is given up for this byte
SERIAL_READY_POLLS = const(100_000)         # a port that has not looped a byte back by then is absent
CPU_START_POLLS = const(20_000_000)         # pauses before a processor that does not answer is reported
