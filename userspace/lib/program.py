"""Around a user program: opens its ring, runs what stands under `if __name__ == "__main__":`, gives the exit status."""
import userspace.lib.slices as slices  # noqa: F401 - holds the methods of bytes and str
import userspace.lib.start as start  # noqa: F401 - holds the entry point, which calls main
import userspace.lib.text as text  # noqa: F401 - holds what print() calls
from compiler.prelude import asm_x64, export, naked, u64
from compiler.prelude.x64 import *
from userspace.lib import reactor

exit_status: u64 = 0                    # what the program ends with; library code may set it


@export("main")
def main(ring_address: u64) -> u64:
    reactor.start(ring_address)
    _run_program()
    return exit_status


@naked
@asm_x64
def _run_program() -> None:
    sub(rsp, 8)
    raw("call program_main")
    add(rsp, 8)
    ret()
