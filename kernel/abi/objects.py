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
    DEVICE = 14


OBJECT_KINDS = const(15)


class Resource(IntEnum):
    FRAMES = 0              # pages of memory, page tables and pages of kernel objects included
    SLOTS = 1               # places in capability tables
    THREADS = 2
    RINGS = 3
    OBJECTS = 4             # every other kernel object


RESOURCES = const(5)
