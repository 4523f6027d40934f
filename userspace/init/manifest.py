"""What init starts, as data. A row is for one program; it is started when its word is on the command line.

A service is started again when it ends, at most `restarts` times in a row; one that has run for a while begins anew.
Rights that a program gets beyond its own process, thread and account: the System object, the Inspect object, the boot
modules, the ends of the streams that name it, and the table of services.
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
    gets_services: bool
    gets_names: bool                    # it may ask the name service
    is_service: bool
    restarts: u64


@struct
class Link:
    """A stream of bytes (lib/channels) that outlives the programs at its ends."""
    name: str                           # what both ends find it by
    filled: str                         # and its two notifications
    drained: str
    writer: str
    reader: str


ROWS = const(5)
LINKS = const(3)
HEALTHY_SECONDS = const(60)             # a service that has run that long has not failed in a row

rows: array[Row, ROWS] = array(
    Row(
        program="hello", word="init.hello", frames=1024, others=1024, gets_system=False, gets_inspect=False,
        gets_modules=False, gets_services=False, gets_names=False, is_service=False, restarts=0,
    ),
    Row(
        program="names", word="init.shell", frames=256, others=64, gets_system=False, gets_inspect=False,
        gets_modules=False, gets_services=False, gets_names=False, is_service=True, restarts=3,
    ),
    Row(
        program="keyboard", word="init.shell", frames=256, others=64, gets_system=True, gets_inspect=False,
        gets_modules=False, gets_services=False, gets_names=False, is_service=True, restarts=3,
    ),
    Row(
        program="console", word="init.shell", frames=256, others=64, gets_system=True, gets_inspect=False,
        gets_modules=False, gets_services=False, gets_names=False, is_service=True, restarts=3,
    ),
    Row(
        program="shell", word="init.shell", frames=49152, others=131072, gets_system=True, gets_inspect=True,
        gets_modules=True, gets_services=True, gets_names=True, is_service=False, restarts=3,
    ),
)

links: array[Link, LINKS] = array(
    Link(name="keys", filled="keys.filled", drained="keys.drained", writer="keyboard", reader="console"),
    Link(name="input", filled="input.filled", drained="input.drained", writer="console", reader="shell"),
    Link(name="output", filled="output.filled", drained="output.drained", writer="shell", reader="console"),
)
