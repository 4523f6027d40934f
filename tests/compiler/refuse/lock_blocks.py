"""Blocks of guarded fields."""
from compiler.prelude import atomic, guarded_by, struct, u32


@struct
class Lock:
    taken: atomic[u32]
    rank: u32


@struct
class BadBlock:
    lock: Lock
    with locked("lock"):
    #! struct: locked("lock") => a with in a struct is: with guarded_by("lock"):
        a: u32


@struct
class BadGuard:
    with guarded_by(3):
    #! struct: guarded_by(3) => guarded_by takes the lock's name as a string
        a: u32
