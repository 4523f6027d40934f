"""Process contexts (PCID): translations of address spaces that this CPU has left are kept for its return.

Only CPUs that have a space in force are asked to forget (tlb.py), as without contexts; what others keep of it is found
to be old when they come back (context_table.py). The order in which a CPU says that it has a space and reads the count
of changes, and another counts and asks, is checked by contexts.pml.
Context 0 is the kernel's own tables, where nothing is ever changed or taken away. With isolation a program's tables
have a context of their own, which has the same place.
Source: SDM vol 3, 4.10.1 (process-context identifiers), 4.10.4.1 (MOV to CR3, INVPCID).
"""
from compiler.prelude import addr, asm_x64, const, percpu, percpu_address, ptr, struct, u32, u64, wrap_add, zeroed
from compiler.prelude.x64 import *
from kernel.arch.x86_64 import context_table, cpu
from kernel.arch.x86_64.context_table import CONTEXTS, ContextTable
from kernel.arch.x86_64.detour import Wish
from kernel.arch.x86_64.registers import read_cr3, write_cr3

KEPT = const(1 << 63)                   # of a write to CR3: forget nothing
OF_PROGRAM = const(1 << 11)             # of a context's number: on a program's tables
_NUMBER = const(OF_PROGRAM - 1)
_SINGLE = const(1)                      # kind of INVPCID: all of one context

assert CONTEXTS < OF_PROGRAM            # place 0 has the number 1


@struct
class Descriptor:
    context: u64
    address: u64


_mine: percpu[ContextTable] = zeroed()


def decide(wish: u32) -> None:
    """Whether contexts are used. Requires: no address space has been made."""
    cpu.has_contexts = cpu.has_contexts and wish != Wish.OFF


def place_of(space: u64) -> u64:
    """The place of a space's context on this CPU."""
    return context_table.place_of(_table(), space)


def load(root: u64, place: u64, changes: u64) -> None:
    """Puts a space's tables in force.

    Requires: `changes` was read after this CPU had said that it has the space in force.
    """
    number = place + 1
    if context_table.renew(_table(), place, changes):
        write_cr3(root | number | KEPT)
    else:
        write_cr3(root | number)
        _forget_programs(number)


def load_kernel(root: u64) -> None:
    write_cr3(root | (KEPT if cpu.has_contexts else u64(0)))


def forget_programs() -> None:
    """Forgets what this CPU keeps for the program's tables of the space in force, if it has a context of its own.
    What invalidates pages of the kernel's tables does not reach there. Requires: CPUs have contexts."""
    _forget_programs(read_cr3() & _NUMBER)


def _forget_programs(number: u64) -> None:
    if cpu.is_isolated and number != 0:
        descriptor = Descriptor(context=number | OF_PROGRAM)
        _invalidate(_SINGLE, addr(descriptor))


def _table() -> ptr[ContextTable]:
    return ptr[ContextTable](wrap_add(cpu.base, percpu_address(_mine)))


@asm_x64
def _invalidate(kind: u64, descriptor: ptr[Descriptor]) -> None:
    invpcid(rdi, [rsi])
