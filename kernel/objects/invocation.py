"""One call of an operation on a capability: who calls, on what, with what.

Handles among the arguments have been looked up; the operation's file gets their objects.
"""
from compiler.prelude import array, ptr, struct, u32, u64
from kernel.abi.methods import MAX_ARGUMENTS
from kernel.caps.capability import Capability
from kernel.caps.object import Object
from kernel.core.process_block import Process


@struct
class Invocation:
    process: ptr[Process]               # the caller's
    handle: u64
    method: u32
    capability: Capability
    arguments: array[u64, MAX_ARGUMENTS]
    objects: array[Capability, MAX_ARGUMENTS]   # of arguments that are handles; no object where 0 stands for none

    def target(self) -> ptr[Object]:
        header = self.capability.object
        assert header is not None
        return header

    def argument_object(self, index: u64) -> ptr[Object]:
        """Requires: the argument is a handle that may not be 0."""
        header = self.objects[index].object
        assert header is not None
        return header
