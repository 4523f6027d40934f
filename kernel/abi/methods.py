"""The method table: what can be invoked on a capability, with which rights and arguments, and how it can fail.

It drives dispatch, the checks of handles and rights, the tests of refusals and the printed manual. A call names a
handle, an operation and up to four arguments; a status and one value come back. A number never gets a second meaning;
sixteen numbers belong to each kind of object, the first sixteen apply to every kind.

Errors that every operation shares: BAD_HANDLE, BAD_KIND, NO_RIGHT, REVOKED, DESTROYED, BAD_OPERATION.
"""
from enum import IntEnum

from compiler.prelude import const
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right


class Method(IntEnum):
    COPY = 0x00
    MINT = 0x01
    COPY_TO = 0x02
    MOVE_TO = 0x03
    IDENTIFY = 0x04
    COMPARE = 0x05
    DESTROY = 0x06
    PROCESS_KILL = 0x10
    PROCESS_FREEZE = 0x11
    PROCESS_THAW = 0x12
    PROCESS_STATE = 0x13
    PROCESS_EXIT_STATUS = 0x14
    PROCESS_EXIT_CAUSE = 0x15
    PROCESS_NOTIFY_EXIT = 0x16
    PROCESS_UNMAP = 0x17
    PROCESS_PROTECT = 0x18
    PROCESS_PAGE_STATE = 0x19
    PROCESS_SET_EXCEPTION_CHANNEL = 0x1A
    THREAD_START = 0x20
    THREAD_SUSPEND = 0x21
    THREAD_RESUME = 0x22
    THREAD_KILL = 0x23
    THREAD_SET_PRIORITY = 0x24
    THREAD_SET_AFFINITY = 0x25
    THREAD_SET_BASES = 0x26
    THREAD_READ_REGISTERS = 0x27
    THREAD_WRITE_REGISTERS = 0x28
    THREAD_STATE = 0x29
    THREAD_CPU_TIME = 0x2A
    THREAD_EXIT_STATUS = 0x2B
    THREAD_NOTIFY_EXIT = 0x2C
    THREAD_SET_EXCEPTION_CHANNEL = 0x2D
    THREAD_CREATE_RING = 0x2E
    THREAD_ARM_UPCALLS = 0x2F
    RING_DESTROY = 0x40
    CHANNEL_KEEP_REPLY = 0x50
    REPLY_ANSWER = 0x60
    MEMORY_MAP = 0x30
    MEMORY_SEAL = 0x31
    MEMORY_PREPARE = 0x32
    MEMORY_SIZE = 0x33
    MEMORY_PHYSICAL_ADDRESS = 0x34
    NOTIFICATION_SIGNAL = 0x70
    NOTIFICATION_TAKE = 0x71
    NOTIFICATION_PEEK = 0x72
    INTERRUPT_BIND = 0x80
    INTERRUPT_ACKNOWLEDGE = 0x81
    INTERRUPT_ROUTE = 0x82
    INTERRUPT_MESSAGE = 0x83
    INTERRUPT_STATE = 0x84
    INTERRUPT_REARM = 0x85
    INTERRUPT_IMITATE = 0x86
    INTERRUPT_COUNT = 0x87
    INTERRUPT_COUNT_OF_CPU = 0x88
    IO_PORTS_READ = 0x90
    IO_PORTS_WRITE = 0x91
    IO_PORTS_ALLOW = 0x92
    IO_PORTS_FORBID = 0x93
    LEASE_END = 0xA0
    LEASE_STATE = 0xA1
    ACCOUNT_CREATE_ACCOUNT = 0xB0
    ACCOUNT_SET_LIMIT = 0xB1
    ACCOUNT_SET_SOFT_LIMIT = 0xB2
    ACCOUNT_LIMIT = 0xB3
    ACCOUNT_CHARGED = 0xB4
    ACCOUNT_NOTIFY_SOFT_LIMIT = 0xB5
    ACCOUNT_SET_CPU_SHARE = 0xB6
    ACCOUNT_SET_HIGHEST_PRIORITY = 0xB7
    ACCOUNT_CREATE_PROCESS = 0xB8
    ACCOUNT_CREATE_NOTIFICATION = 0xB9
    ACCOUNT_CREATE_LEASE = 0xBA
    ACCOUNT_CREATE_THREAD = 0xBB
    ACCOUNT_CREATE_CHANNEL = 0xBD
    ACCOUNT_CREATE_MEMORY = 0xBC
    SYSTEM_WALK_OBJECTS = 0xC0
    SYSTEM_FAIL_ALLOCATION = 0xC1
    SYSTEM_STATE = 0xC2
    SYSTEM_CHANGE_STATE = 0xC3
    SYSTEM_STATE_TIME = 0xC4
    SYSTEM_POWER_OFF = 0xC5
    SYSTEM_RESTART = 0xC6
    SYSTEM_SHOW_LOG_LEVEL = 0xC7
    SYSTEM_READ_LOG = 0xC8
    SYSTEM_CREATE_INTERRUPT = 0xC9
    SYSTEM_CREATE_IO_PORTS = 0xCA
    SYSTEM_CREATE_DEVICE_MEMORY = 0xCB
    SYSTEM_TRACE = 0xCC
    SYSTEM_READ_TRACE = 0xCD
    SYSTEM_SWITCH_CPU = 0xCF
    INSPECT_COUNT_OBJECTS = 0xD0
    INSPECT_FREE_FRAMES = 0xD1
    INSPECT_IDLE_TIME = 0xD2
    INSPECT_TIMERS = 0xD3
    INSPECT_NMIS = 0xD4
    CONSOLE_READ_LINE = 0xE0
    SYSTEM_SET_CLASS = 0xF0             # the first of sixteen more numbers of the System object's
    SYSTEM_TAKE_CONSOLE = 0xF1


METHOD_NUMBERS = const(0x100)
METHODS_PER_KIND = const(16)
MORE_OF_SYSTEM = const(15)              # as a kind: the sixteen numbers there are the System object's
MAX_ARGUMENTS = const(4)


class Argument(IntEnum):
    """What an argument may be. For handles, ARGUMENT_RULES says of what and with which rights."""
    NONE = 0                # must be zero
    NUMBER = 1              # checked by the operation itself
    ADDRESS = 2             # user memory, checked by the copy
    ANY_HANDLE = 3
    PROCESS_TO_FILL = 4
    LEASE_TO_FILL = 5       # or 0 for none
    NOTIFICATION_TO_SIGNAL = 6
    ACCOUNT_TO_CHARGE = 7
    MEMORY = 8
    CHANNEL_TO_SEND = 9     # or 0 for none
    PROCESS_TO_MANAGE = 10


# For each kind of argument: the kind of object, the rights needed, whether 0 may stand for none.
ARGUMENT_RULES = const((
    (ObjectKind.NONE, 0, False),
    (ObjectKind.NONE, 0, False),
    (ObjectKind.NONE, 0, False),
    (ObjectKind.NONE, 0, False),
    (ObjectKind.PROCESS, Right.GRANT, False),
    (ObjectKind.LEASE, Right.CREATE, True),
    (ObjectKind.NOTIFICATION, Right.SIGNAL, False),
    (ObjectKind.ACCOUNT, Right.CREATE, False),
    (ObjectKind.MEMORY, 0, False),
    (ObjectKind.CHANNEL, Right.SEND, True),
    (ObjectKind.PROCESS, Right.MANAGE, False),
))
ARGUMENT_KINDS = const(11)

# Operation, kind of object, rights needed, arguments, errors besides the shared ones.
METHODS = const((
    (Method.COPY, ObjectKind.NONE, Right.COPY,
     (("rights", Argument.NUMBER),),
     (Status.BAD_ARGUMENT, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.MINT, ObjectKind.NONE, Right.COPY,
     (("rights", Argument.NUMBER), ("badge", Argument.NUMBER), ("lease", Argument.LEASE_TO_FILL)),
     (Status.BAD_ARGUMENT, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.COPY_TO, ObjectKind.NONE, Right.COPY,
     (("process", Argument.PROCESS_TO_FILL), ("rights", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.MOVE_TO, ObjectKind.NONE, Right.MOVE,
     (("process", Argument.PROCESS_TO_FILL),),
     (Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.IDENTIFY, ObjectKind.NONE, 0, (), ()),
    (Method.COMPARE, ObjectKind.NONE, 0, (("other", Argument.ANY_HANDLE),), ()),
    (Method.DESTROY, ObjectKind.NONE, Right.MANAGE, (), (Status.BAD_OPERATION,)),

    (Method.PROCESS_KILL, ObjectKind.PROCESS, Right.MANAGE, (("status", Argument.NUMBER),), ()),
    (Method.PROCESS_FREEZE, ObjectKind.PROCESS, Right.MANAGE, (), ()),
    (Method.PROCESS_THAW, ObjectKind.PROCESS, Right.MANAGE, (), ()),
    (Method.PROCESS_STATE, ObjectKind.PROCESS, Right.INSPECT, (), ()),
    (Method.PROCESS_EXIT_STATUS, ObjectKind.PROCESS, Right.INSPECT, (), (Status.WOULD_BLOCK,)),
    (Method.PROCESS_EXIT_CAUSE, ObjectKind.PROCESS, Right.INSPECT, (), (Status.WOULD_BLOCK,)),
    (Method.PROCESS_NOTIFY_EXIT, ObjectKind.PROCESS, Right.WAIT,
     (("notification", Argument.NOTIFICATION_TO_SIGNAL), ("bits", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.BUSY)),
    (Method.PROCESS_SET_EXCEPTION_CHANNEL, ObjectKind.PROCESS, Right.MANAGE,
     (("channel", Argument.CHANNEL_TO_SEND),), (Status.DESTROYED,)),

    (Method.THREAD_START, ObjectKind.THREAD, Right.MANAGE, (), (Status.BUSY,)),
    (Method.THREAD_SUSPEND, ObjectKind.THREAD, Right.MANAGE, (), (Status.BUSY,)),
    (Method.THREAD_RESUME, ObjectKind.THREAD, Right.MANAGE, (), ()),
    (Method.THREAD_KILL, ObjectKind.THREAD, Right.MANAGE, (("status", Argument.NUMBER),), ()),
    (Method.THREAD_SET_PRIORITY, ObjectKind.THREAD, Right.MANAGE,
     (("priority", Argument.NUMBER),), (Status.BAD_ARGUMENT, Status.OVER_LIMIT)),
    (Method.THREAD_SET_AFFINITY, ObjectKind.THREAD, Right.MANAGE,
     (("group", Argument.NUMBER), ("mask", Argument.NUMBER)), (Status.BAD_ARGUMENT,)),
    (Method.THREAD_SET_BASES, ObjectKind.THREAD, Right.MANAGE,
     (("fs_base", Argument.NUMBER), ("gs_base", Argument.NUMBER)), (Status.BAD_ARGUMENT, Status.BUSY)),
    (Method.THREAD_READ_REGISTERS, ObjectKind.THREAD, Right.READ,
     (("destination", Argument.ADDRESS),), (Status.BAD_ADDRESS, Status.BUSY)),
    (Method.THREAD_WRITE_REGISTERS, ObjectKind.THREAD, Right.WRITE,
     (("source", Argument.ADDRESS),), (Status.BAD_ADDRESS, Status.BAD_ARGUMENT, Status.BUSY)),
    (Method.THREAD_STATE, ObjectKind.THREAD, Right.INSPECT, (), ()),
    (Method.THREAD_CPU_TIME, ObjectKind.THREAD, Right.INSPECT, (), ()),
    (Method.THREAD_EXIT_STATUS, ObjectKind.THREAD, Right.INSPECT, (), (Status.WOULD_BLOCK,)),
    (Method.THREAD_NOTIFY_EXIT, ObjectKind.THREAD, Right.WAIT,
     (("notification", Argument.NOTIFICATION_TO_SIGNAL), ("bits", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.BUSY)),
    (Method.THREAD_ARM_UPCALLS, ObjectKind.THREAD, Right.MANAGE, (("reasons", Argument.NUMBER),),
     (Status.BAD_ARGUMENT, Status.BUSY)),
    # Pages from `place` on in the thread's process (ring.py); `capacity` completions may be promised or unread at a
    # time; bit n of `forbidden` keeps operation n out of it, but for NOP and CANCEL.
    (Method.THREAD_CREATE_RING, ObjectKind.THREAD, Right.MANAGE,
     (("place", Argument.NUMBER), ("capacity", Argument.NUMBER), ("forbidden", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.BAD_ADDRESS, Status.BUSY, Status.ALREADY_MAPPED, Status.DESTROYED, Status.NO_MEMORY,
      Status.OVER_LIMIT)),
    (Method.THREAD_SET_EXCEPTION_CHANNEL, ObjectKind.THREAD, Right.MANAGE,
     (("channel", Argument.CHANNEL_TO_SEND),), (Status.BUSY, Status.DESTROYED)),

    # No capability names a ring: its thread stands for it. What is in flight ends with DESTROYED.
    (Method.RING_DESTROY, ObjectKind.THREAD, Right.MANAGE, (), (Status.WOULD_BLOCK,)),

    (Method.CHANNEL_KEEP_REPLY, ObjectKind.CHANNEL, Right.RECEIVE,
     (("account", Argument.ACCOUNT_TO_CHARGE),), (Status.NO_MEMORY, Status.OVER_LIMIT, Status.WOULD_BLOCK)),
    (Method.REPLY_ANSWER, ObjectKind.REPLY, Right.SEND,
     (("word0", Argument.NUMBER), ("word1", Argument.NUMBER), ("word2", Argument.NUMBER), ("word3", Argument.NUMBER)),
     (Status.PEER_CLOSED,)),

    (Method.NOTIFICATION_SIGNAL, ObjectKind.NOTIFICATION, Right.SIGNAL, (("bits", Argument.NUMBER),), ()),
    (Method.NOTIFICATION_TAKE, ObjectKind.NOTIFICATION, Right.WAIT, (), (Status.WOULD_BLOCK,)),
    (Method.NOTIFICATION_PEEK, ObjectKind.NOTIFICATION, Right.INSPECT, (), ()),

    (Method.INTERRUPT_BIND, ObjectKind.INTERRUPT, Right.WAIT,
     (("notification", Argument.NOTIFICATION_TO_SIGNAL), ("bits", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.BUSY)),
    (Method.INTERRUPT_ACKNOWLEDGE, ObjectKind.INTERRUPT, Right.WAIT, (), (Status.WOULD_BLOCK, Status.OVER_LIMIT)),
    (Method.INTERRUPT_ROUTE, ObjectKind.INTERRUPT, Right.MANAGE,
     (("routing", Argument.NUMBER), ("cpu", Argument.NUMBER)), (Status.BAD_ARGUMENT,)),
    (Method.INTERRUPT_MESSAGE, ObjectKind.INTERRUPT, Right.INSPECT, (), ()),
    (Method.INTERRUPT_STATE, ObjectKind.INTERRUPT, Right.INSPECT, (), ()),
    (Method.INTERRUPT_REARM, ObjectKind.INTERRUPT, Right.MANAGE, (), ()),
    (Method.INTERRUPT_IMITATE, ObjectKind.INTERRUPT, Right.MANAGE, (), ()),
    (Method.INTERRUPT_COUNT, ObjectKind.INTERRUPT, Right.INSPECT, (), ()),
    (Method.INTERRUPT_COUNT_OF_CPU, ObjectKind.INTERRUPT, Right.INSPECT,
     (("cpu", Argument.NUMBER),), (Status.BAD_ARGUMENT,)),

    # `offset` is the port's place in the range, `width` 1, 2 or 4 bytes.
    (Method.IO_PORTS_READ, ObjectKind.IO_PORTS, Right.READ,
     (("offset", Argument.NUMBER), ("width", Argument.NUMBER)), (Status.BAD_ARGUMENT,)),
    (Method.IO_PORTS_ALLOW, ObjectKind.IO_PORTS, Right.READ | Right.WRITE,
     (("process", Argument.PROCESS_TO_FILL),), (Status.BUSY, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.IO_PORTS_FORBID, ObjectKind.IO_PORTS, Right.READ | Right.WRITE,
     (("process", Argument.PROCESS_TO_FILL),), (Status.NOT_MAPPED,)),
    (Method.IO_PORTS_WRITE, ObjectKind.IO_PORTS, Right.WRITE,
     (("offset", Argument.NUMBER), ("width", Argument.NUMBER), ("value", Argument.NUMBER)), (Status.BAD_ARGUMENT,)),

    (Method.LEASE_END, ObjectKind.LEASE, Right.MANAGE, (), ()),
    (Method.LEASE_STATE, ObjectKind.LEASE, Right.INSPECT, (), ()),

    (Method.ACCOUNT_CREATE_ACCOUNT, ObjectKind.ACCOUNT, Right.CREATE, (), (Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.ACCOUNT_SET_LIMIT, ObjectKind.ACCOUNT, Right.MANAGE,
     (("resource", Argument.NUMBER), ("limit", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.OVER_LIMIT, Status.BUSY)),
    (Method.ACCOUNT_SET_SOFT_LIMIT, ObjectKind.ACCOUNT, Right.MANAGE,
     (("resource", Argument.NUMBER), ("limit", Argument.NUMBER)), (Status.BAD_ARGUMENT,)),
    (Method.ACCOUNT_LIMIT, ObjectKind.ACCOUNT, Right.INSPECT,
     (("resource", Argument.NUMBER),), (Status.BAD_ARGUMENT,)),
    (Method.ACCOUNT_CHARGED, ObjectKind.ACCOUNT, Right.INSPECT,
     (("resource", Argument.NUMBER),), (Status.BAD_ARGUMENT,)),
    (Method.ACCOUNT_NOTIFY_SOFT_LIMIT, ObjectKind.ACCOUNT, Right.WAIT,
     (("notification", Argument.NOTIFICATION_TO_SIGNAL), ("bits", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.BUSY)),
    (Method.ACCOUNT_SET_CPU_SHARE, ObjectKind.ACCOUNT, Right.MANAGE,
     (("thousandths", Argument.NUMBER),), (Status.BAD_ARGUMENT, Status.OVER_LIMIT)),
    (Method.ACCOUNT_SET_HIGHEST_PRIORITY, ObjectKind.ACCOUNT, Right.MANAGE,
     (("priority", Argument.NUMBER),), (Status.BAD_ARGUMENT, Status.OVER_LIMIT)),
    (Method.ACCOUNT_CREATE_PROCESS, ObjectKind.ACCOUNT, Right.CREATE,
     (("name", Argument.ADDRESS), ("name_bytes", Argument.NUMBER), ("parent", Argument.PROCESS_TO_MANAGE)),
     (Status.BAD_ADDRESS, Status.BAD_ARGUMENT, Status.BUSY, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.ACCOUNT_CREATE_NOTIFICATION, ObjectKind.ACCOUNT, Right.CREATE, (), (Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.ACCOUNT_CREATE_LEASE, ObjectKind.ACCOUNT, Right.CREATE,
     (("parent", Argument.LEASE_TO_FILL), ("expiry_ns", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.ACCOUNT_CREATE_CHANNEL, ObjectKind.ACCOUNT, Right.CREATE,
     (("ceiling", Argument.NUMBER),), (Status.BAD_ARGUMENT, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.ACCOUNT_CREATE_THREAD, ObjectKind.ACCOUNT, Right.CREATE,
     (("process", Argument.PROCESS_TO_FILL), ("entry", Argument.NUMBER), ("stack", Argument.NUMBER),
      ("argument", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.NO_MEMORY, Status.OVER_LIMIT, Status.DESTROYED)),

    # `place` is the first address, with the access (memory.py) in its low bits; `length` and `offset` are bytes.
    (Method.PROCESS_UNMAP, ObjectKind.PROCESS, Right.GRANT,
     (("start", Argument.NUMBER), ("length", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.BAD_ADDRESS, Status.NOT_MAPPED, Status.BUSY, Status.USE_RING, Status.NO_MEMORY,
      Status.OVER_LIMIT)),
    (Method.PROCESS_PROTECT, ObjectKind.PROCESS, Right.GRANT,
     (("place", Argument.NUMBER), ("length", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.BAD_ADDRESS, Status.NOT_MAPPED, Status.BUSY, Status.USE_RING, Status.SEALED,
      Status.NOT_SEALED, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.PROCESS_PAGE_STATE, ObjectKind.PROCESS, Right.INSPECT,
     (("address", Argument.NUMBER),), (Status.BAD_ADDRESS, Status.NOT_MAPPED)),
    (Method.MEMORY_MAP, ObjectKind.MEMORY, 0,
     (("process", Argument.PROCESS_TO_FILL), ("place", Argument.NUMBER), ("offset", Argument.NUMBER),
      ("length", Argument.NUMBER)),
     # NO_RIGHT: the access asked for is a right that the capability must have.
     (Status.NO_RIGHT, Status.BAD_ARGUMENT, Status.BAD_ADDRESS, Status.ALREADY_MAPPED, Status.BUSY, Status.USE_RING,
      Status.NOT_READY, Status.SEALED, Status.NOT_SEALED, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.MEMORY_SEAL, ObjectKind.MEMORY, Right.MANAGE, (),
     (Status.BUSY, Status.NOT_READY, Status.BAD_OPERATION)),
    (Method.MEMORY_PREPARE, ObjectKind.MEMORY, Right.WRITE, (), ()),
    (Method.MEMORY_SIZE, ObjectKind.MEMORY, 0, (), ()),
    (Method.MEMORY_PHYSICAL_ADDRESS, ObjectKind.MEMORY, Right.MANAGE,
     (("offset", Argument.NUMBER),), (Status.BAD_ARGUMENT,)),
    (Method.ACCOUNT_CREATE_MEMORY, ObjectKind.ACCOUNT, Right.CREATE,
     (("length", Argument.NUMBER), ("flags", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.NO_MEMORY, Status.OVER_LIMIT)),

    (Method.SYSTEM_WALK_OBJECTS, ObjectKind.SYSTEM, Right.INSPECT, (),
     (Status.BAD_OPERATION, Status.BUSY)),
    (Method.SYSTEM_FAIL_ALLOCATION, ObjectKind.SYSTEM, Right.MANAGE,
     (("countdown", Argument.NUMBER),), (Status.BAD_OPERATION,)),
    (Method.SYSTEM_STATE, ObjectKind.SYSTEM, Right.INSPECT, (), ()),
    (Method.SYSTEM_CHANGE_STATE, ObjectKind.SYSTEM, Right.MANAGE,
     (("old", Argument.NUMBER), ("new", Argument.NUMBER)), (Status.BAD_ARGUMENT, Status.BUSY)),
    (Method.SYSTEM_STATE_TIME, ObjectKind.SYSTEM, Right.INSPECT,
     (("state", Argument.NUMBER),), (Status.BAD_ARGUMENT, Status.WOULD_BLOCK)),
    (Method.SYSTEM_SWITCH_CPU, ObjectKind.SYSTEM, Right.MANAGE,
     (("cpu", Argument.NUMBER), ("is_on", Argument.NUMBER)), (Status.BAD_ARGUMENT, Status.BUSY)),
    # The CPUs of a group of 64 whose bits are set in the mask.
    (Method.SYSTEM_SET_CLASS, ObjectKind.SYSTEM, Right.MANAGE,
     (("group", Argument.NUMBER), ("mask", Argument.NUMBER), ("scheduling_class", Argument.NUMBER)),
     (Status.BAD_ARGUMENT,)),
    (Method.SYSTEM_POWER_OFF, ObjectKind.SYSTEM, Right.MANAGE, (), (Status.BUSY, Status.BAD_OPERATION)),
    (Method.SYSTEM_RESTART, ObjectKind.SYSTEM, Right.MANAGE, (), (Status.BUSY,)),
    (Method.SYSTEM_SHOW_LOG_LEVEL, ObjectKind.SYSTEM, Right.MANAGE,
     (("level", Argument.NUMBER),), (Status.BAD_ARGUMENT,)),
    (Method.SYSTEM_READ_LOG, ObjectKind.SYSTEM, Right.INSPECT,
     (("cpu", Argument.NUMBER), ("number", Argument.NUMBER), ("record", Argument.ADDRESS)),
     (Status.BAD_ARGUMENT, Status.BAD_ADDRESS, Status.WOULD_BLOCK, Status.NO_SUCH)),
    (Method.SYSTEM_TRACE, ObjectKind.SYSTEM, Right.MANAGE,
     (("is_on", Argument.NUMBER),), (Status.BAD_ARGUMENT, Status.NO_MEMORY)),
    (Method.SYSTEM_READ_TRACE, ObjectKind.SYSTEM, Right.INSPECT,
     (("cpu", Argument.NUMBER), ("number", Argument.NUMBER), ("record", Argument.ADDRESS)),
     (Status.BAD_ARGUMENT, Status.BAD_ADDRESS, Status.NO_SUCH)),
    (Method.SYSTEM_CREATE_INTERRUPT, ObjectKind.SYSTEM, Right.CREATE,
     (("account", Argument.ACCOUNT_TO_CHARGE), ("line", Argument.NUMBER), ("source", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.BUSY, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.SYSTEM_CREATE_DEVICE_MEMORY, ObjectKind.SYSTEM, Right.CREATE,
     (("account", Argument.ACCOUNT_TO_CHARGE), ("physical", Argument.NUMBER), ("length", Argument.NUMBER),
      ("cache", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.BAD_ADDRESS, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.SYSTEM_CREATE_IO_PORTS, ObjectKind.SYSTEM, Right.CREATE,
     (("account", Argument.ACCOUNT_TO_CHARGE), ("first", Argument.NUMBER), ("count", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.NO_MEMORY, Status.OVER_LIMIT)),
    # The screen and the serial line are the program's while the Console lives, or until another takes them. The bits
    # are signalled when there are lines of the log to show.
    (Method.SYSTEM_TAKE_CONSOLE, ObjectKind.SYSTEM, Right.CREATE,
     (("account", Argument.ACCOUNT_TO_CHARGE), ("notification", Argument.NOTIFICATION_TO_SIGNAL),
      ("bits", Argument.NUMBER)),
     (Status.BAD_ARGUMENT, Status.NO_MEMORY, Status.OVER_LIMIT)),
    (Method.INSPECT_COUNT_OBJECTS, ObjectKind.INSPECT, Right.INSPECT,
     (("kind", Argument.NUMBER),), (Status.BAD_ARGUMENT,)),
    (Method.INSPECT_FREE_FRAMES, ObjectKind.INSPECT, Right.INSPECT, (), ()),
    (Method.INSPECT_IDLE_TIME, ObjectKind.INSPECT, Right.INSPECT, (("cpu", Argument.NUMBER),), (Status.BAD_ARGUMENT,)),
    (Method.INSPECT_TIMERS, ObjectKind.INSPECT, Right.INSPECT, (("cpu", Argument.NUMBER),), (Status.BAD_ARGUMENT,)),
    (Method.INSPECT_NMIS, ObjectKind.INSPECT, Right.INSPECT, (("cpu", Argument.NUMBER),), (Status.BAD_ARGUMENT,)),
    # The oldest line that nobody has shown; the one before counts as shown from then on. The value is how often the
    # kernel has written to the screen and the serial line itself since they were taken.
    (Method.CONSOLE_READ_LINE, ObjectKind.CONSOLE, Right.READ,
     (("record", Argument.ADDRESS),), (Status.BAD_ADDRESS, Status.WOULD_BLOCK)),
))

assert max(sum(row[0] == other[0] for other in METHODS) for row in METHODS) == 1, "two operations have one number"
