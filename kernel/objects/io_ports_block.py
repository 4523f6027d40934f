"""The IoPorts object, as memory."""
from compiler.prelude import struct, u64
from kernel.caps.object import Object


@struct
class IoPorts:
    header: Object
    first: u64
    count: u64
