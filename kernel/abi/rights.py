"""Rights: what a capability allows. A copy has the same ones or fewer, never more.

Which right an operation needs is stated by methods.py.
"""
from enum import IntFlag

from compiler.prelude import const


class Right(IntFlag):
    COPY = 0x0001           # make further capabilities of the same object
    MOVE = 0x0002           # give the capability away
    MANAGE = 0x0004         # change, stop or end the object
    INSPECT = 0x0008        # read its state
    WAIT = 0x0010           # be told what happens to it
    READ = 0x0020
    WRITE = 0x0040
    EXECUTE = 0x0080
    SIGNAL = 0x0100
    SEND = 0x0200
    RECEIVE = 0x0400
    CREATE = 0x0800         # make objects at this account's cost; put capabilities under this lease
    GRANT = 0x1000          # put capabilities and threads into this process, map memory into it


ALL_RIGHTS = const(0x1FFF)
# What an object whose end has begun is still good for.
RIGHTS_AT_END = const(Right.COPY | Right.MOVE | Right.MANAGE | Right.INSPECT | Right.WAIT)
