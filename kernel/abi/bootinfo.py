"""What a program has when it starts: a page at START_INFO (layout.py), which it can only read.

The kernel writes it for the first process, whose own handles are always the ones below; whoever starts another process
writes it for that one. A handle that is 0 was not given.
"""
from compiler.prelude import array, const, sizeof, struct, u8, u64
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.config import COMMAND_LINE_BYTES, MODULE_LIMIT, MODULE_NAME_BYTES

_FIRST_GENERATION = const(1 << 32)

OWN_PROCESS = const(_FIRST_GENERATION | 1)
OWN_THREAD = const(_FIRST_GENERATION | 2)
ROOT_ACCOUNT = const(_FIRST_GENERATION | 3)         # pays for the first process and whatever it makes
SYSTEM = const(_FIRST_GENERATION | 4)
INSPECT = const(_FIRST_GENERATION | 5)

GRANT_LIMIT = const(16)
GRANT_NAME_BYTES = const(24)


@struct
class Module:
    """A file that was loaded with the kernel."""
    memory: u64                         # a handle: Memory, sealed; behind the file it is zero
    length: u64                         # of the file, in bytes
    name_length: u64
    name: array[u8, MODULE_NAME_BYTES]


@struct
class Grant:
    """A capability that whoever made the process gave it under a name."""
    handle: u64
    name_length: u64
    name: array[u8, GRANT_NAME_BYTES]


@struct
class StartInfo:
    process: u64                        # handles: the program's own process and thread,
    thread: u64
    account: u64                        # the account that pays for what it makes,
    system: u64
    inspect: u64
    time: u64                           # Memory of one TimePage and of one MachineInfo (machine.py), sealed
    machine: u64
    module_count: u64
    arguments_length: u64
    arguments: array[u8, COMMAND_LINE_BYTES]        # of the first process: the kernel's command line
    modules: array[Module, MODULE_LIMIT]
    grant_count: u64
    grants: array[Grant, GRANT_LIMIT]


assert sizeof(Module) == 56
assert sizeof(StartInfo) <= PAGE_BYTES
