"""Accounts as objects: made under another, limits set, soft limits told; and what they pay for is made here."""
from compiler.prelude import addr, const, noinline, ptr, sizeof, u32, u64
from kernel.abi.errors import Status
from kernel.abi.methods import Method
from kernel.abi.objects import RESOURCES, ObjectKind, Resource
from kernel.caps import account as accounts
from kernel.caps import reference, table
from kernel.caps.object import Account, Object
from kernel.core import cpu_queue, thread_changes
from kernel.core.destruction import release, set_destroyer
from kernel.objects import channel, lease, memory, notification, process, thread
from kernel.objects.creation import create, free
from kernel.objects.handles import give_object, reserve_slot
from kernel.objects.invocation import Invocation
from kernel.objects.notification_block import Notification
from kernel.sync.ranks import Rank
from kernel.sync.spinlock import SpinLock

_WHOLE_CPU = const(1000)                # thousandths
_HIGHEST_PRIORITY = const(63)
_WITHOUT_LIMIT = const(1 << 62)

_limits: SpinLock = SpinLock(rank=Rank.ACCOUNTS)


def start() -> None:
    set_destroyer(ObjectKind.ACCOUNT, destroy_account)
    accounts.tell_soft_limit = _tell_soft_limit


def create_root_account(frames: u64) -> ptr[Account] | None:
    """The account that all others come from: all memory, and as much of everything else as can be counted."""
    header, _ = create(ObjectKind.ACCOUNT, sizeof(Account), None)
    if header is None:
        return None
    root = ptr[Account](header)
    for resource in range(u32(RESOURCES)):
        _ = accounts.raise_limit(root, resource, frames if resource == Resource.FRAMES else _WITHOUT_LIMIT)
    root.highest_priority.store(_HIGHEST_PRIORITY, "relaxed")
    return root


@noinline
def invoke(call: ptr[Invocation]) -> tuple[Status, u64]:
    account = ptr[Account](call.target())
    first = call.arguments[0]
    second = call.arguments[1]
    match call.method:
        case Method.ACCOUNT_CREATE_ACCOUNT:
            return _create_account(call, account)
        case Method.ACCOUNT_CREATE_PROCESS:
            return process.create_process(call)
        case Method.ACCOUNT_CREATE_MEMORY:
            return memory.create_memory(call)
        case Method.ACCOUNT_CREATE_NOTIFICATION:
            return notification.create_notification(call)
        case Method.ACCOUNT_CREATE_LEASE:
            return lease.create_lease(call)
        case Method.ACCOUNT_CREATE_CHANNEL:
            return channel.create_channel(call)
        case Method.ACCOUNT_CREATE_THREAD:
            return thread.create_thread(call)
        case Method.ACCOUNT_NOTIFY_SOFT_LIMIT:
            return _watch(call, account), 0
        case Method.ACCOUNT_SET_CPU_SHARE:
            return _set_cpu_share(account, first), 0
        case Method.ACCOUNT_SET_HIGHEST_PRIORITY:
            return _set_highest_priority(account, first), 0
    if first >= RESOURCES:
        return Status.BAD_ARGUMENT, 0
    resource = u32(first)
    match call.method:
        case Method.ACCOUNT_SET_LIMIT:
            return _set_limit(account, resource, second), 0
        case Method.ACCOUNT_SET_SOFT_LIMIT:
            accounts.set_soft_limit(account, resource, second)
            return Status.OK, 0
        case Method.ACCOUNT_LIMIT:
            return Status.OK, account.budget(resource).limit.load("relaxed")
        case _:
            return Status.OK, accounts.charged(account, resource)


def destroy_account(header: ptr[Object]) -> bool:
    account = ptr[Account](header)
    accounts.give_all_back(account)
    watcher = account.watcher.load("acquire")
    if watcher != 0:
        release(ptr[Object](watcher))
    free(header)
    return True


def _create_account(call: ptr[Invocation], parent: ptr[Account]) -> tuple[Status, u64]:
    slot, status = reserve_slot(call.process)
    if status != Status.OK:
        return status, 0
    header, created = create(ObjectKind.ACCOUNT, sizeof(Account), parent)
    if header is None:
        table.give_back(addr(call.process.table), slot)
        return created, 0
    account = ptr[Account](header)
    account.highest_priority.store(parent.highest_priority.load("relaxed"), "relaxed")
    account.cpu_share.store(parent.cpu_share.load("relaxed"), "relaxed")
    return Status.OK, give_object(call.process, slot, header)


def _set_limit(account: ptr[Account], resource: u32, limit: u64) -> Status:
    with _limits:
        old = account.budget(resource).limit.load("relaxed")
        if limit <= old:
            return Status.OK if accounts.lower_limit(account, resource, old - limit) else Status.BUSY
        if account.header.account is None or not accounts.raise_limit(account, resource, limit - old):
            return Status.OVER_LIMIT
        return Status.OK


def _set_cpu_share(account: ptr[Account], thousandths: u64) -> Status:
    """0 is no cap of its own: the parent's counts."""
    if thousandths > _WHOLE_CPU:
        return Status.BAD_ARGUMENT
    parent = account.header.account
    if parent is not None:
        most = u64(parent.cpu_share.load("relaxed"))
        if most != 0 and (thousandths == 0 or thousandths > most):
            return Status.OVER_LIMIT
    cpu_queue.are_caps_used = True
    account.cpu_share.store(u32(thousandths), "relaxed")
    thread_changes.look_everywhere()
    return Status.OK


def _set_highest_priority(account: ptr[Account], priority: u64) -> Status:
    if priority > _HIGHEST_PRIORITY:
        return Status.BAD_ARGUMENT
    parent = account.header.account
    if parent is not None and priority > u64(parent.highest_priority.load("relaxed")):
        return Status.OVER_LIMIT
    account.highest_priority.store(u32(priority), "relaxed")
    return Status.OK


def _watch(call: ptr[Invocation], account: ptr[Account]) -> Status:
    bits = call.arguments[1]
    watcher = call.argument_object(0)
    # A watcher that the account itself pays for would keep its payer alive, and the payer the watcher.
    if bits == 0 or _pays_for(account, watcher):
        return Status.BAD_ARGUMENT
    if account.watcher_bits.load("relaxed") != 0 or not reference.take(watcher):
        return Status.BUSY
    if not account.watcher_bits.cas(0, bits, "relaxed"):
        release(watcher)
        return Status.BUSY
    account.watcher.store(u64(watcher), "release")
    return Status.OK


def _pays_for(account: ptr[Account], header: ptr[Object]) -> bool:
    payer = header.account
    while payer is not None:
        if payer == account:
            return True
        payer = payer.header.account
    return False


def _tell_soft_limit(account: ptr[Account], resource: u32) -> None:
    watcher = account.watcher.load("acquire")
    if watcher != 0:
        notification.signal(ptr[Notification](watcher), account.watcher_bits.load("relaxed"))
