"""What init starts. A row is for one program; it is started when its word is on the command line.

Rights that a program gets beyond its own process, thread and account: the System object, the Inspect object, the boot
modules.
"""
from compiler.prelude import array, const, struct, u64


@struct
class Row:
    program: str                        # the boot module, without .elf
    word: str                           # on the command line, as in init.shell
    frames: u64                         # the most memory that it may use, in pages
    others: u64                         # and the most of everything else that is counted
    gets_system: bool
    gets_inspect: bool
    gets_modules: bool


ROWS = const(2)

plan: array[Row, ROWS] = array(
    Row(
        program="hello", word="init.hello", frames=1024, others=1024,
        gets_system=False, gets_inspect=False, gets_modules=False,
    ),
    Row(
        program="shell", word="init.shell", frames=16384, others=16384,
        gets_system=True, gets_inspect=True, gets_modules=True,
    ),
)
