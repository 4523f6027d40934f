"""Kinds of kernel objects, and what an account counts."""
from enum import IntEnum

from compiler.prelude import const


class ObjectKind(IntEnum):
    NONE = 0
    PROCESS = 1
    THREAD = 2
    MEMORY = 3
    RING = 4
    CHANNEL = 5
    REPLY = 6
    NOTIFICATION = 7
    INTERRUPT = 8
    IO_PORTS = 9
    LEASE = 10
    ACCOUNT = 11
    SYSTEM = 12
    INSPECT = 13
    CONSOLE = 14


OBJECT_KINDS = const(15)


class Resource(IntEnum):
    FRAMES = 0              # pages of memory, page tables and pages of kernel objects included
    SLOTS = 1               # places in capability tables
    THREADS = 2
    RINGS = 3
    OBJECTS = 4             # every other kernel object


RESOURCES = const(5)


class ProcessState(IntEnum):
    RUNNING = 0
    FROZEN = 1
    ENDING = 2
    ENDED = 3


class ExitCause(IntEnum):
    EXIT = 0                # its own: the status is what it said
    KILLED = 1              # the status is what the killer said
    EXCEPTION = 2           # the status is the vector
    LAST_THREAD = 3         # its last thread ended; the status is that thread's
