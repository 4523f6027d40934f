"""This CPU: its per-CPU data behind gs, and the processor features that the kernel turns on.

Owns: the gs bases, CR0, CR4, EFER and PAT of every CPU.
Invariants: I-ARCH-2: in the kernel the gs base is this CPU's and MSR_KERNEL_GS_BASE holds the user's; the doors in
entry.py swap them. I-ARCH-3: the kernel runs with interrupts off, everywhere but in wait_for_interrupt.
Source: SDM vol 3, 2.5 (control registers), 4.1 (paging modes), 12.12 (PAT).
"""
from compiler.prelude import (
    addr,
    array,
    asm_x64,
    atomic,
    const,
    memory_copy,
    percpu,
    ptr,
    u8,
    u32,
    u64,
    wrap_sub,
    zeroed,
)
from compiler.prelude.x64 import *
from kernel.arch.x86_64.frame import Registers
from kernel.arch.x86_64.image import percpu_end, percpu_start
from kernel.arch.x86_64.pages import PAGE_BYTES
from kernel.arch.x86_64.registers import (
    CPUID_EXTENDED_FEATURES,
    CPUID_FEATURES,
    CR0_ALIGNMENT_MASK,
    CR0_EXTENSION_TYPE,
    CR0_MONITOR_COPROCESSOR,
    CR0_NUMERIC_ERROR,
    CR0_PAGING,
    CR0_PROTECTED,
    CR0_WRITE_PROTECT,
    CR4_BASE_INSTRUCTIONS,
    CR4_CONTEXTS,
    CR4_DEBUGGING_EXTENSIONS,
    CR4_FIVE_LEVELS,
    CR4_FXSAVE,
    CR4_GLOBAL_PAGES,
    CR4_MACHINE_CHECK,
    CR4_PHYSICAL_ADDRESS_EXTENSION,
    CR4_SMAP,
    CR4_SMEP,
    CR4_UMIP,
    CR4_VECTOR_EXCEPTIONS,
    EFER_NO_EXECUTE,
    EFER_SYSTEM_CALL,
    MSR_EFER,
    MSR_GS_BASE,
    MSR_KERNEL_GS_BASE,
    MSR_PAT,
    CpuidResult,
    has_bit,
    read_cpuid,
    read_cr4,
    read_msr,
    write_cr0,
    write_cr4,
    write_msr,
)
from kernel.config import CPU_LIMIT

AREA_BYTES = const(4 * PAGE_BYTES)            # of a CPU: its data, and behind them its task state (gdt.py)
TASK_OFFSET = const(PAGE_BYTES)
DOORSTEP_OFFSET = const(AREA_BYTES - 112)     # and at their end its descriptors and entry stack (gdt.py)
# Entries 0-3 as after reset, 4 and 5 write-protect and write-combining, 6 and 7 as after reset.
_PAT = const(0x0007_0105_0007_0406)
_LEAF_STRUCTURED = const(7)
_LEAF_SIZES = const(0x8000_0008)
_PHYSICAL_BITS_AT_LEAST = const(36)
_EXTENDED_BASE = const(0x8000_0000)

# Read by the doors in entry.py.
frame: percpu[ptr[Registers] | None] = None     # where the user registers of the current thread are kept
kernel_stack_end: percpu[u64] = 0
user_stack_pointer: percpu[u64] = 0             # scratch of the system-call door
attention: percpu[u32] = 0                      # not 0: the kernel is not left before core/attention.py

index: percpu[u32] = 0
set_offset: percpu[u64] = 0                     # in a set of CPUs, of the word with this one's bit, in bytes
set_bit: percpu[u64] = 0
plain_bit: percpu[u64] = 0                      # the same if a change of tables takes no more than a write, else 0
area: percpu[u64] = 0                           # address of this CPU's data
base: percpu[u64] = 0                           # its gs base: plus percpu_address(x), where this CPU's x is

running_cpus: atomic[u32] = 1                   # CPUs that have their own tables and stacks
bases: array[u64, CPU_LIMIT] = zeroed()         # every CPU's, by index; 0 for one that has none yet
known_cpus: u32 = 1                             # one more than the highest index

has_smap: bool = False                          # the same on every CPU: the boot CPU decides
has_smep: bool = False
has_umip: bool = False
has_huge_pages: bool = False
has_base_instructions: bool = False             # programs may set their fs and gs base themselves
has_contexts: bool = False                      # keeps translations of several spaces (contexts.py)
is_isolated: bool = False                       # programs run on page tables of their own (isolation.py)

_boot_area: array[u8, AREA_BYTES] = zeroed(align=PAGE_BYTES)


def percpu_bytes() -> u64:
    return percpu_end() - percpu_start()


def boot_area() -> u64:
    """Where the boot CPU's per-CPU data lie, which are needed before there is any memory to ask for."""
    assert percpu_bytes() <= TASK_OFFSET, "per-CPU data have outgrown their area"
    return u64(addr(_boot_area))


def gs_base_of(area: u64) -> u64:
    """The gs base by which per-CPU data at `area` are reached: their addresses are those of the initial data."""
    return wrap_sub(area, percpu_start())


def use_area(at: u64, number: u32) -> None:
    """Gives this CPU its index and per-CPU data of its own, as they are at first, at address `at`."""
    global area, base, index, set_bit, set_offset
    memory_copy(ptr[u8](at), ptr[u8](percpu_start()), percpu_bytes())
    _clear_data_segments()
    write_msr(MSR_GS_BASE, gs_base_of(at))
    write_msr(MSR_KERNEL_GS_BASE, 0)
    area = at
    base = gs_base_of(at)
    index = number
    set_offset = u64(number) // 64 * 8
    set_bit = u64(1) << u64(number) % 64
    bases[number] = base


def find_features() -> str:
    """Notes what the processor has. Returns what is missing that the kernel cannot do without, or nothing."""
    global has_smap, has_smep, has_umip, has_huge_pages, has_base_instructions, has_contexts
    answer = CpuidResult()
    read_cpuid(_EXTENDED_BASE, 0, addr(answer))
    if answer.eax < CPUID_EXTENDED_FEATURES:
        return "the processor has no extended features (NX, SYSCALL)"
    read_cpuid(CPUID_EXTENDED_FEATURES, 0, addr(answer))
    if not has_bit(answer.edx, 20):
        return "the processor or the firmware offers no NX: turn on execute-disable"
    if not has_bit(answer.edx, 11):
        return "the processor has no SYSCALL"
    has_huge_pages = has_bit(answer.edx, 26)
    read_cpuid(CPUID_FEATURES, 0, addr(answer))
    numbers_spaces = has_bit(answer.ecx, 17)
    if not has_bit(answer.edx, 9):
        return "the processor has no APIC, or it is turned off"
    if not has_bit(answer.edx, 13):
        return "the processor has no global pages"
    if not has_bit(answer.edx, 25):
        return "the processor has no SSE"
    read_cpuid(0, 0, addr(answer))
    if answer.eax >= _LEAF_STRUCTURED:
        read_cpuid(_LEAF_STRUCTURED, 0, addr(answer))
        has_base_instructions = has_bit(answer.ebx, 0)
        has_smep = has_bit(answer.ebx, 7)
        has_contexts = numbers_spaces and has_bit(answer.ebx, 10)       # and can forget those of one
        has_smap = has_bit(answer.ebx, 20)
        has_umip = has_bit(answer.ecx, 2)
    if read_cr4() & CR4_FIVE_LEVELS != 0:
        return "the loader turned five-level paging on, which was not asked for"
    return ""


def physical_end() -> u64:
    """The first physical address that the processor cannot reach."""
    answer = CpuidResult()
    read_cpuid(_EXTENDED_BASE, 0, addr(answer))
    if answer.eax < _LEAF_SIZES:
        return u64(1) << _PHYSICAL_BITS_AT_LEAST
    read_cpuid(_LEAF_SIZES, 0, addr(answer))
    return u64(1) << u64(answer.eax & 0xFF)


def turn_on_no_execute() -> None:
    """Page tables with NX bits may be loaded after this."""
    write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NO_EXECUTE | EFER_SYSTEM_CALL)


def turn_on_features() -> None:
    """Sets this CPU's control registers to what the kernel wants, whatever firmware and loader left there.

    Requires: our page tables are in force, this CPU's descriptor tables loaded; machine checks can come from here on.
    """
    global plain_bit
    turn_on_no_execute()
    write_cr0(
        CR0_PROTECTED
        | CR0_MONITOR_COPROCESSOR
        | CR0_EXTENSION_TYPE
        | CR0_NUMERIC_ERROR
        | CR0_WRITE_PROTECT
        | CR0_ALIGNMENT_MASK
        | CR0_PAGING
    )
    control: u64 = (
        CR4_DEBUGGING_EXTENSIONS
        | CR4_PHYSICAL_ADDRESS_EXTENSION
        | CR4_MACHINE_CHECK
        | CR4_GLOBAL_PAGES
        | CR4_FXSAVE
        | CR4_VECTOR_EXCEPTIONS
    )
    if has_smep:
        control |= CR4_SMEP
    if has_smap:
        control |= CR4_SMAP
    if has_umip:
        control |= CR4_UMIP
    if has_base_instructions:
        control |= CR4_BASE_INSTRUCTIONS
    if has_contexts:
        control |= CR4_CONTEXTS
    plain_bit = 0 if has_contexts else set_bit
    write_cr4(control & ~u64(CR4_GLOBAL_PAGES))     # the change forgets global translations of the loader's
    if not is_isolated:
        write_cr4(control)
    write_msr(MSR_PAT, _PAT)


@asm_x64
def _clear_data_segments() -> None:
    xor(eax, eax)
    mov(ds, eax)
    mov(es, eax)
    mov(fs, eax)
    mov(gs, eax)
