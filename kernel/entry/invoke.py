"""invoke: one operation on a capability, found and checked by the method table.

Everything that the table knows is checked before the operation sees the call: the handle, its kind and rights, every
handle among the arguments, and that arguments that the operation does not have are zero.
"""
from compiler.prelude import (
    addr,
    array,
    const,
    export,
    inline,
    percpu,
    percpu_address,
    ptr,
    struct,
    u8,
    u16,
    u32,
    u64,
    wrap_add,
    zeroed,
)
from kernel.abi.errors import Status
from kernel.abi.methods import (
    ARGUMENT_KINDS,
    ARGUMENT_RULES,
    MAX_ARGUMENTS,
    METHOD_NUMBERS,
    METHODS,
    METHODS_PER_KIND,
    MORE_OF_SYSTEM,
    Argument,
)
from kernel.abi.objects import ObjectKind
from kernel.arch.x86_64 import cpu
from kernel.caps import table
from kernel.caps.table import Table
from kernel.core.process_block import Process
from kernel.core.thread_block import current_thread
from kernel.objects import (
    account,
    capability,
    channel,
    console,
    inspect,
    interrupt,
    ioports,
    lease,
    memory,
    notification,
    process,
    system,
    thread,
)
from kernel.objects.invocation import Invocation


@struct
class MethodRule:
    rights: u16 = 0
    is_known: bool = False
    kind: u8 = 0
    count: u8 = 0           # of arguments
    handles: u8 = 0         # bit n: argument n is a handle
    arguments: array[u8, MAX_ARGUMENTS]


@struct
class ArgumentRule:
    kind: u32 = 0
    rights: u32 = 0
    may_be_zero: bool = False


# By method number; what is in no row of the table sums up to zeros.
assert sum(sum(row[0] == number for row in METHODS) > 1 for number in range(METHOD_NUMBERS)) == 0
_KNOWN = const([sum(row[0] == number for row in METHODS) != 0 for number in range(METHOD_NUMBERS)])
assert sum(sum(row[0] == number for row in METHODS) > 1 for number in range(METHOD_NUMBERS)) == 0
_KINDS = const([sum(row[1] for row in METHODS if row[0] == number) for number in range(METHOD_NUMBERS)])
_RIGHTS = const([sum(row[2] for row in METHODS if row[0] == number) for number in range(METHOD_NUMBERS)])
_ARGUMENTS = const([
    sum(row[3][place][1] for row in METHODS if row[0] == number and place < len(row[3]))
    for number in range(METHOD_NUMBERS) for place in range(MAX_ARGUMENTS)
])
_COUNTS = const([sum(len(row[3]) for row in METHODS if row[0] == number) for number in range(METHOD_NUMBERS)])
_HANDLES = const([
    sum((_ARGUMENTS[number * MAX_ARGUMENTS + place] >= Argument.ANY_HANDLE) << place for place in range(MAX_ARGUMENTS))
    for number in range(METHOD_NUMBERS)
])
_methods: array[MethodRule, METHOD_NUMBERS] = array(
    MethodRule(
        rights=_RIGHTS[number],
        is_known=_KNOWN[number],
        kind=_KINDS[number],
        count=_COUNTS[number],
        handles=_HANDLES[number],
        arguments=array(_ARGUMENTS[number * MAX_ARGUMENTS + place] for place in range(MAX_ARGUMENTS)),
    )
    for number in range(METHOD_NUMBERS)
)
_arguments: array[ArgumentRule, ARGUMENT_KINDS] = array(
    ArgumentRule(kind=rule[0], rights=rule[1], may_be_zero=rule[2]) for rule in ARGUMENT_RULES
)

# A CPU handles one call at a time; what a call does not use still holds an earlier one's.
_call: percpu[Invocation] = zeroed()


@export("invoke_from_user")
def invoke_from_user(handle: u64, method: u64, first: u64, second: u64, third: u64) -> tuple[u64, u64]:
    """The system call: the fourth argument is in the thread's registers."""
    caller = current_thread()
    status, value = _invoke(caller.process, handle, method, first, second, third, caller.registers.r9)
    return u64(status), value


@export("mint_from_user")
def mint_from_user(handle: u64, method: u64, rights: u64, badge: u64, lease_handle: u64) -> tuple[u64, u64]:
    """The same for the method MINT."""
    caller = current_thread()
    if lease_handle | caller.registers.r9 == 0:
        made = capability.mint_plainly(caller.process, handle, rights, badge)
        if made != 0:
            return u64(Status.OK), made
    return invoke_from_user(handle, method, rights, badge, lease_handle)


def invoke(caller: ptr[Process], handle: u64, method: u64, arguments: ptr[u64]) -> tuple[Status, u64]:
    """Requires: `arguments` are four, in the kernel's memory."""
    return _invoke(caller, handle, method, arguments[0], arguments[1], arguments[2], arguments[3])


@inline
def _invoke(
    caller: ptr[Process], handle: u64, method: u64, first: u64, second: u64, third: u64, fourth: u64
) -> tuple[Status, u64]:
    if method >= METHOD_NUMBERS or not _methods[method].is_known:
        return Status.BAD_OPERATION, 0
    # Noted first, so that nothing is kept in registers over the lookups.
    call = ptr[Invocation](wrap_add(cpu.base, percpu_address(_call)))
    call.process = caller
    call.handle = handle
    call.method = u32(method)
    call.arguments[0] = first
    call.arguments[1] = second
    call.arguments[2] = third
    call.arguments[3] = fourth
    rule = addr(_methods[method])
    has_spare_argument = _has_spare_argument(rule.count, first, second, third, fourth)
    slots = addr(caller.table)
    status = table.lookup(slots, handle, u32(rule.kind), u32(rule.rights), addr(call.capability))
    if status != Status.OK:
        return status, 0
    if has_spare_argument:
        return Status.BAD_ARGUMENT, 0
    if rule.handles != 0:
        status = _look_up_arguments(slots, rule, call)
        if status != Status.OK:
            return status, 0
    return _dispatch(call, u64(call.method) // METHODS_PER_KIND)


@inline
def _has_spare_argument(count: u8, first: u64, second: u64, third: u64, fourth: u64) -> bool:
    """Whether an argument is not zero that the operation does not have."""
    if count == 4:
        return False
    spare = fourth
    if count < 3:
        spare |= third
        if count < 2:
            spare |= second | (first if count == 0 else u64(0))
    return spare != 0


def _look_up_arguments(slots: ptr[Table], rule: ptr[MethodRule], call: ptr[Invocation]) -> Status:
    for place in range(u64(MAX_ARGUMENTS)):
        if rule.handles >> u8(place) & 1 == 0:
            continue
        wanted = addr(_arguments[rule.arguments[place]])
        found = addr(call.objects[place])
        argument = call.arguments[place]
        if argument == 0 and wanted.may_be_zero:
            found.object = None
            continue
        status = table.lookup(slots, argument, wanted.kind, wanted.rights, found)
        if status != Status.OK:
            return status
    return Status.OK


def _dispatch(call: ptr[Invocation], kind: u64) -> tuple[Status, u64]:
    match kind:
        case ObjectKind.NONE:
            return capability.invoke(call)
        case ObjectKind.PROCESS:
            return process.invoke(call)
        case ObjectKind.THREAD | ObjectKind.RING:
            return thread.invoke(call)
        case ObjectKind.CHANNEL:
            return channel.invoke(call)
        case ObjectKind.REPLY:
            return channel.invoke_reply(call)
        case ObjectKind.NOTIFICATION:
            return notification.invoke(call)
        case ObjectKind.INTERRUPT:
            return interrupt.invoke(call)
        case ObjectKind.MEMORY:
            return memory.invoke(call)
        case ObjectKind.IO_PORTS:
            return ioports.invoke(call)
        case ObjectKind.LEASE:
            return lease.invoke(call)
        case ObjectKind.ACCOUNT:
            return account.invoke(call)
        case ObjectKind.SYSTEM:
            return system.invoke(call)
        case ObjectKind.INSPECT:
            return inspect.invoke(call)
        case ObjectKind.CONSOLE:
            return console.invoke(call)
        case _:
            if kind == MORE_OF_SYSTEM:
                return system.invoke(call)
            return Status.BAD_OPERATION, 0
