"""The Inspect object: counts of what there is, for those who watch the system. There is one, part of the kernel."""
from compiler.prelude import noinline, ptr, u32, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import OBJECT_KINDS, ObjectKind
from kernel.arch.x86_64 import clock, cpu, traps
from kernel.caps.object import Object
from kernel.core import alarm
from kernel.core.cpu_queue import idle_ticks
from kernel.core.online import is_online
from kernel.memory import physical
from kernel.objects import creation
from kernel.objects.invocation import Invocation

inspect: Object = Object(references=1, kind=u32(ObjectKind.INSPECT))


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    match call.method:
        case Method.INSPECT_COUNT_OBJECTS:
            kind = call.arguments[0]
            if kind >= OBJECT_KINDS:
                return Status.BAD_ARGUMENT, 0
            return Status.OK, creation.live[kind].load("relaxed")
        case Method.INSPECT_IDLE_TIME:
            index = call.arguments[0]
            if index >= u64(cpu.known_cpus) or not is_online(u32(index)):
                return Status.BAD_ARGUMENT, 0
            return Status.OK, clock.ns_of(idle_ticks(u32(index)))
        case Method.INSPECT_NMIS:
            if call.arguments[0] >= u64(cpu.known_cpus):
                return Status.BAD_ARGUMENT, 0
            return Status.OK, traps.nmis[call.arguments[0]].load("relaxed")
        case Method.INSPECT_TIMERS:
            if call.arguments[0] >= u64(cpu.known_cpus):
                return Status.BAD_ARGUMENT, 0
            return Status.OK, alarm.timers_of(u32(call.arguments[0]))
        case _:
            return Status.OK, physical.free_frames()
