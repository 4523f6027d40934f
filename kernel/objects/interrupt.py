"""The interrupt as an object: what a driver holds to be told when its device wants something."""
from compiler.prelude import addr, noinline, ptr, sizeof, u32, u64
from kernel.abi.errors import Status
from kernel.abi.interrupt import COUNTED_CPUS, SOURCE_BITS, Source
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.arch.x86_64 import ioapic
from kernel.caps import reference, table
from kernel.caps.object import Account, Object, State
from kernel.core.destruction import begin_end, release, set_destroyer
from kernel.objects import interrupt_line
from kernel.objects.creation import create, free
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.interrupt_line import (
    Interrupt,
    acknowledge,
    attach,
    bind,
    count_of,
    detach,
    imitate,
    message_of,
    rearm,
    route,
    state_of,
)
from kernel.objects.invocation import Invocation
from kernel.objects.notification_block import Notification


def start() -> None:
    interrupt_line.start()
    set_destroyer(ObjectKind.INTERRUPT, destroy_interrupt)


def create_interrupt(call: ptr[Invocation]) -> tuple[Status, u64]:
    """On the System object: whoever may make interrupts is trusted with the machine's devices."""
    number, source, status = _find_source(call.arguments[1], call.arguments[2])
    if status != Status.OK:
        return status, 0
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    header, status = create(ObjectKind.INTERRUPT, sizeof(Interrupt), ptr[Account](call.argument_object(0)))
    if header is not None:
        status = attach(ptr[Interrupt](header), number, source)
        if status == Status.OK:
            return Status.OK, give_object(call.process, slot, header)
        free(header)
    table.give_back(addr(call.process.table), slot)
    return status, 0


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    interrupt = ptr[Interrupt](call.target())
    match call.method:
        case Method.INTERRUPT_BIND:
            return _bind(interrupt, call.argument_object(0), call.arguments[1]), 0
        case Method.INTERRUPT_ACKNOWLEDGE:
            return acknowledge(interrupt), 0
        case Method.INTERRUPT_ROUTE:
            return route(interrupt, call.arguments[0], call.arguments[1]), 0
        case Method.INTERRUPT_MESSAGE:
            return Status.OK, message_of(interrupt)
        case Method.INTERRUPT_STATE:
            return Status.OK, state_of(interrupt)
        case Method.INTERRUPT_REARM:
            rearm(interrupt)
            return Status.OK, 0
        case Method.INTERRUPT_IMITATE:
            imitate(interrupt)
            return Status.OK, 0
        case Method.INTERRUPT_COUNT:
            return Status.OK, count_of(interrupt)
        case _:
            if call.arguments[0] >= COUNTED_CPUS:
                return Status.BAD_ARGUMENT, 0
            return Status.OK, u64(interrupt.count_by_cpu[call.arguments[0]])


def end_interrupt(header: ptr[Object]) -> None:
    """Its owner destroys it: it leaves its line as soon as no CPU can still be at an operation on it."""
    if header.state.cas(State.ALIVE, State.DEAD, "seq_cst") and reference.take(header):
        begin_end(header)


def destroy_interrupt(header: ptr[Object]) -> bool:
    """Queued by end_interrupt(), with a reference of the queue's own, and by its last reference."""
    interrupt = ptr[Interrupt](header)
    if interrupt.vector != 0:
        detach(interrupt)
        interrupt.vector = 0
        notification = interrupt.notification
        if notification is not None:
            release(addr(notification.header))
            interrupt.notification = None
    if header.references.load("acquire") != 0:
        release(header)
        return True
    free(header)
    return True


def _find_source(line: u64, flags: u64) -> tuple[u32, u32, Status]:
    """The number of the line, and what is known of it."""
    if flags > SOURCE_BITS:
        return 0, 0, Status.BAD_ARGUMENT
    source = u32(flags)
    if source & Source.MESSAGE != 0:
        is_good = source == Source.MESSAGE and line == 0
        return 0, source, Status.OK if is_good else Status.BAD_ARGUMENT
    number = line
    if source & Source.ISA != 0:
        if line >= ioapic.ISA_LINES or source & (Source.LEVEL | Source.LOW) != 0:
            return 0, 0, Status.BAD_ARGUMENT
        known = addr(ioapic.isa_lines[line])
        number = u64(known.line)
        source = source & Source.SHARED
        source |= (Source.LEVEL if known.is_level else u32(0)) | (Source.LOW if known.is_low else u32(0))
    if number > 0xFFFF or not ioapic.has_line(u32(number)):
        return 0, 0, Status.BAD_ARGUMENT
    return u32(number), source, Status.OK


def _bind(interrupt: ptr[Interrupt], header: ptr[Object], bits: u64) -> Status:
    if bits == 0:
        return Status.BAD_ARGUMENT
    if not reference.take(header):
        return Status.DESTROYED
    if not bind(interrupt, ptr[Notification](header), bits):
        release(header)
        return Status.BUSY
    return Status.OK
