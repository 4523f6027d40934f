"""What programs' page tables hold of the kernel when they are isolated from it (arch/x86_64/isolation.py): no more than
the processor and the doors touch before they are on the kernel's tables, in whole pages.
"""
from compiler.prelude import addr, sizeof, u64
from kernel.arch.x86_64 import cpu, isolation
from kernel.arch.x86_64.gdt import EXCEPTION_STACKS
from kernel.arch.x86_64.traps import VECTORS, Gate, gates
from kernel.memory import stacks
from kernel.memory.kernel_space import show_to_programs


def show_doors() -> bool:
    """What all CPUs share. Returns False when memory runs out."""
    stretches = isolation.stretches()
    for index in range(isolation.STRETCHES):
        if not show_to_programs(stretches[index].start, stretches[index].end):
            return False
    return show_to_programs(u64(addr(gates)), u64(addr(gates)) + sizeof(Gate) * VECTORS)


def show_cpu(index: u64, area: u64) -> bool:
    """A CPU's task state, descriptors and entry stack, and the ends of its exception stacks."""
    for number in range(u64(EXCEPTION_STACKS)):
        end = stacks.exception_stack_end(index, number)
        if not show_to_programs(end, end + 1):
            return False
    return show_to_programs(area + cpu.TASK_OFFSET, area + cpu.AREA_BYTES)
