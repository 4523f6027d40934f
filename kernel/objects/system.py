"""The System object: what is done to the whole machine. There is one, part of the kernel."""
from compiler.prelude import const, option, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.caps.object import Object
from kernel.core import destruction
from kernel.objects import creation, walker
from kernel.objects.invocation import Invocation

_CAN_WALK = const(option("DEBUG", False))

system: Object = Object(references=1, kind=u32(ObjectKind.SYSTEM))


def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    match call.method:
        case Method.SYSTEM_WALK_OBJECTS:
            if not _CAN_WALK:
                return Status.BAD_OPERATION, 0
            if not destruction.is_idle():
                return Status.BUSY, 0
            return Status.OK, walker.walk()
        case _:
            if not creation.CAN_FAIL:
                return Status.BAD_OPERATION, 0
            creation.fail_countdown.store(call.arguments[0], "relaxed")
            return Status.OK, 0
