"""The notification: a word of bits that others set and its holder takes.

A badge other than 0 limits a capability to signalling the bits that the badge has.
"""
from compiler.prelude import addr, noinline, ptr, sizeof, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import ObjectKind
from kernel.caps import table
from kernel.caps.object import Account, Object, State
from kernel.core.destruction import set_destroyer
from kernel.objects.creation import create, free
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.objects.notification_block import Notification
from kernel.objects.watch import deliver, end_watches
from kernel.sync.ranks import Rank


def start() -> None:
    set_destroyer(ObjectKind.NOTIFICATION, destroy_notification)


def create_notification(call: ptr[Invocation]) -> tuple[Status, u64]:
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    header, created = create(ObjectKind.NOTIFICATION, sizeof(Notification), ptr[Account](call.target()))
    if header is None:
        table.give_back(addr(call.process.table), slot)
        return created, 0
    ptr[Notification](header).lock.rank = Rank.NOTIFICATION
    return Status.OK, give_object(call.process, slot, header)


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    notification = ptr[Notification](call.target())
    match call.method:
        case Method.NOTIFICATION_SIGNAL:
            bits = call.arguments[0]
            badge = call.capability.badge
            if bits == 0 or badge != 0 and bits & ~badge != 0:
                return Status.BAD_ARGUMENT, 0
            signal(notification, bits)
            return Status.OK, 0
        case Method.NOTIFICATION_TAKE:
            taken = notification.bits.exchange(0, "acq_rel")
            return Status.OK if taken != 0 else Status.WOULD_BLOCK, taken
        case _:
            return Status.OK, notification.bits.load("acquire")


def signal(notification: ptr[Notification], bits: u64) -> None:
    # Full: pairs with add_watch(), which makes its interest known first and looks at the bits after.
    _ = notification.bits.fetch_or(bits, "seq_cst")
    if notification.interest.load("seq_cst") & bits != 0:
        deliver(notification)


def end_notification(header: ptr[Object]) -> None:
    """Destroyed by its owner: whoever still refers to it is told so."""
    header.state.store(State.DEAD, "release")
    end_watches(ptr[Notification](header))


def destroy_notification(header: ptr[Object]) -> bool:
    free(header)
    return True
