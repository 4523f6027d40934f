"""invoke: one operation on a capability, found and checked by the method table.

Everything that the table knows is checked before the operation sees the call: the handle, its kind and rights, every
handle among the arguments, and that arguments that the operation does not have are zero.
"""
from compiler.prelude import addr, array, const, ptr, struct, u8, u16, u32, u64
from kernel.abi.errors import Status
from kernel.abi.methods import (
    ARGUMENT_KINDS,
    ARGUMENT_RULES,
    MAX_ARGUMENTS,
    METHOD_NUMBERS,
    METHODS,
    METHODS_PER_KIND,
    Argument,
)
from kernel.abi.objects import ObjectKind
from kernel.caps import table
from kernel.caps.capability import Capability
from kernel.core.process_block import Process
from kernel.objects import (
    account,
    capability,
    channel,
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
_methods: array[MethodRule, METHOD_NUMBERS] = array(
    MethodRule(
        rights=_RIGHTS[number],
        is_known=_KNOWN[number],
        kind=_KINDS[number],
        arguments=array(_ARGUMENTS[number * MAX_ARGUMENTS + place] for place in range(MAX_ARGUMENTS)),
    )
    for number in range(METHOD_NUMBERS)
)
_arguments: array[ArgumentRule, ARGUMENT_KINDS] = array(
    ArgumentRule(kind=rule[0], rights=rule[1], may_be_zero=rule[2]) for rule in ARGUMENT_RULES
)


def invoke(caller: ptr[Process], handle: u64, method: u64, arguments: ptr[u64]) -> tuple[Status, u64]:
    """Requires: `arguments` are four, in the kernel's memory."""
    if method >= METHOD_NUMBERS or not _methods[method].is_known:
        return Status.BAD_OPERATION, 0
    rule = addr(_methods[method])
    call = Invocation(process=caller, handle=handle, method=u32(method))
    status = table.lookup(addr(caller.table), handle, u32(rule.kind), u32(rule.rights), addr(call.capability))
    if status != Status.OK:
        return status, 0
    for place in range(u64(MAX_ARGUMENTS)):
        argument = arguments[place]
        call.arguments[place] = argument
        status = _check(caller, rule.arguments[place], argument, addr(call.objects[place]))
        if status != Status.OK:
            return status, 0
    return _dispatch(addr(call), method // METHODS_PER_KIND)


def _check(caller: ptr[Process], kind: u8, argument: u64, found: ptr[Capability]) -> Status:
    match kind:
        case Argument.NONE:
            return Status.OK if argument == 0 else Status.BAD_ARGUMENT
        case Argument.NUMBER | Argument.ADDRESS:
            return Status.OK
    rule = addr(_arguments[kind])
    if argument == 0 and rule.may_be_zero:
        return Status.OK
    return table.lookup(addr(caller.table), argument, rule.kind, rule.rights, found)


def _dispatch(call: ptr[Invocation], kind: u64) -> tuple[Status, u64]:
    match kind:
        case ObjectKind.NONE:
            return capability.invoke(call)
        case ObjectKind.PROCESS:
            return process.invoke(call)
        case ObjectKind.THREAD:
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
        case _:
            return Status.BAD_OPERATION, 0
