"""Enums and flags as types of locals, parameters and fields."""
from compiler.prelude import array, i8, struct, u8, u16, u32, u64, zeroed
from enum import IntEnum, IntFlag


class Kind(IntEnum):
    EMPTY = 0
    FILE = 1
    LINK = 300


class Rights(IntFlag):
    READ = 1
    WRITE = 2
    GRANT = 128


@struct
class Entry:
    kind: Kind
    rights: Rights


names: array[u32, 301] = zeroed()


def convert(n: u16) -> u64:
    kind = Kind(n)
    return u64(kind) + u64(Kind.FILE)


def from_wide(n: u64) -> u32:
    return u32(Kind(n))


def from_signed(n: i8) -> u32:
    return u32(Kind(n))


def compares(n: u16) -> bool:
    kind = Kind(n)
    return kind == Kind.LINK or kind != Kind.EMPTY


def stored(n: u16, more: u8) -> u32:
    entry = Entry(kind=Kind(n), rights=Rights.READ)
    entry.rights = entry.rights | Rights(more)
    if entry.rights & Rights.WRITE != 0:
        return u32(entry.kind) * 1000 + u32(entry.rights)
    return u32(entry.kind)


def has(rights: Rights, wanted: Rights) -> bool:
    return rights & wanted == wanted


def allowed(n: u8) -> tuple[bool, bool]:
    return has(Rights(n), Rights.READ | Rights.GRANT), has(Rights(n), Rights.WRITE)


def indexed(n: u16) -> u32:
    names[Kind.LINK] = 7
    return names[Kind(n)]


#: convert(300) == 301
#: convert(2) traps member
#: convert(44) traps member
#: from_wide(65836) traps member
#: from_wide(1) == 1
#: from_signed(-1) traps member
#: from_signed(1) == 1
#: compares(0) == False
#: compares(300) == True
#: stored(1, 2) == 1003
#: stored(300, 128) == 300
#: allowed(129) == (True, False)
#: allowed(3) == (False, True)
#: indexed(300) == 7
#: indexed(1) == 0
