"""Control registers, model-specific registers, ports and CPUID, by name: for the loader and for the kernel.

With pages.py and uart.py the lowest layer: it imports nothing but the compiler's prelude.
Source: SDM vol 4 (MSRs), vol 3 section 2.5 (control registers), vol 2 (CPUID).
"""
from compiler.prelude import asm_x64, const, inline, ptr, struct, u8, u16, u32, u64
from compiler.prelude.x64 import *

CR0_PROTECTED = const(1 << 0)
CR0_MONITOR_COPROCESSOR = const(1 << 1)
CR0_EXTENSION_TYPE = const(1 << 4)
CR0_NUMERIC_ERROR = const(1 << 5)
CR0_WRITE_PROTECT = const(1 << 16)
CR0_ALIGNMENT_MASK = const(1 << 18)      # programs may ask for alignment checks
CR0_NOT_WRITE_THROUGH = const(1 << 29)
CR0_CACHE_DISABLE = const(1 << 30)
CR0_PAGING = const(1 << 31)

CR4_DEBUGGING_EXTENSIONS = const(1 << 3)
CR4_PHYSICAL_ADDRESS_EXTENSION = const(1 << 5)
CR4_MACHINE_CHECK = const(1 << 6)
CR4_GLOBAL_PAGES = const(1 << 7)
CR4_FXSAVE = const(1 << 9)
CR4_VECTOR_EXCEPTIONS = const(1 << 10)
CR4_UMIP = const(1 << 11)
CR4_FIVE_LEVELS = const(1 << 12)
CR4_BASE_INSTRUCTIONS = const(1 << 16)
CR4_CONTEXTS = const(1 << 17)           # PCIDE
CR4_XSAVE = const(1 << 18)
CR4_SMEP = const(1 << 20)
CR4_SMAP = const(1 << 21)

MSR_APIC_BASE = const(0x1B)
MSR_MTRR_CAPABILITIES = const(0xFE)
MSR_PAT = const(0x277)
MSR_MTRR_DEFAULT_TYPE = const(0x2FF)
MSR_TSC_DEADLINE = const(0x6E0)
MSR_X2APIC = const(0x800)
MSR_EFER = const(0xC000_0080)
MSR_STAR = const(0xC000_0081)
MSR_LSTAR = const(0xC000_0082)
MSR_CSTAR = const(0xC000_0083)
MSR_FMASK = const(0xC000_0084)
MSR_FS_BASE = const(0xC000_0100)
MSR_GS_BASE = const(0xC000_0101)
MSR_KERNEL_GS_BASE = const(0xC000_0102)

EFER_SYSTEM_CALL = const(1 << 0)
EFER_LONG_MODE = const(1 << 8)
EFER_NO_EXECUTE = const(1 << 11)

APIC_BASE_X2APIC = const(1 << 10)       # bits of MSR_APIC_BASE
APIC_BASE_ENABLED = const(1 << 11)
APIC_BASE_ADDRESS = const(0x000F_FFFF_FFFF_F000)

CPUID_FEATURES = const(1)
CPUID_EXTENDED_FEATURES = const(0x8000_0001)

FLAGS_ALWAYS_ONE = const(1 << 1)
FLAGS_TRAP = const(1 << 8)
FLAGS_INTERRUPT = const(1 << 9)
FLAGS_DIRECTION = const(1 << 10)
FLAGS_IO_PRIVILEGE = const(3 << 12)
FLAGS_NESTED_TASK = const(1 << 14)
FLAGS_RESUME = const(1 << 16)
FLAGS_ALIGNMENT_CHECK = const(1 << 18)

PORT_PIC_MASTER_COMMAND = const(0x20)
PORT_PIC_MASTER_DATA = const(0x21)
PORT_PIC_SLAVE_COMMAND = const(0xA0)
PORT_PIC_SLAVE_DATA = const(0xA1)
PORT_DEBUG_EXIT = const(0xF4)           # QEMU's isa-debug-exit, where the command line says that it is there
PORT_DEBUG_CONSOLE = const(0xE9)        # of QEMU and Bochs


@struct
class CpuidResult:
    eax: u32 = 0
    ebx: u32 = 0
    ecx: u32 = 0
    edx: u32 = 0


@asm_x64
def read_cpuid(leaf: u32, subleaf: u32, result: ptr[CpuidResult]) -> None:
    mov(r8, rdx)
    mov(eax, edi)
    mov(ecx, esi)
    mov(r9, rbx)
    cpuid()
    mov([r8], eax)
    mov([r8, 4], ebx)
    mov([r8, 8], ecx)
    mov([r8, 12], edx)
    mov(rbx, r9)


@asm_x64
def read_msr(register: u32) -> u64:
    mov(ecx, edi)
    rdmsr()
    shl(rdx, 32)
    or_(rax, rdx)


@asm_x64
def write_msr(register: u32, value: u64) -> None:
    mov(ecx, edi)
    mov(eax, esi)
    mov(rdx, rsi)
    shr(rdx, 32)
    wrmsr()


@asm_x64
def read_cr0() -> u64:
    mov(rax, cr0)


@asm_x64
def write_cr0(value: u64) -> None:
    mov(cr0, rdi)


@asm_x64
def read_cr2() -> u64:
    mov(rax, cr2)


@asm_x64
def read_cr3() -> u64:
    mov(rax, cr3)


@asm_x64
def write_cr3(value: u64) -> None:
    mov(cr3, rdi)


@asm_x64
def read_cr4() -> u64:
    mov(rax, cr4)


@asm_x64
def write_cr4(value: u64) -> None:
    mov(cr4, rdi)


@asm_x64
def write_back_caches() -> None:
    wbinvd()


@asm_x64
def in8(port: u16) -> u8:
    mov(edx, edi)
    in_(al, dx)


@asm_x64
def out8(port: u16, value: u8) -> None:
    mov(edx, edi)
    mov(eax, esi)
    out(dx, al)


@asm_x64
def in16(port: u16) -> u16:
    mov(edx, edi)
    in_(ax, dx)


@asm_x64
def out16(port: u16, value: u16) -> None:
    mov(edx, edi)
    mov(eax, esi)
    out(dx, ax)


@asm_x64
def in32(port: u16) -> u32:
    mov(edx, edi)
    in_(eax, dx)


@asm_x64
def out32(port: u16, value: u32) -> None:
    mov(edx, edi)
    mov(eax, esi)
    out(dx, eax)


@asm_x64
def break_into_debugger() -> None:
    int3()


@asm_x64
def read_time_stamp() -> u64:
    rdtsc()
    shl(rdx, 32)
    or_(rax, rdx)


@asm_x64
def read_ordered_time_stamp() -> u64:
    """After all earlier loads, before all later ones."""
    lfence()
    rdtsc()
    lfence()
    shl(rdx, 32)
    or_(rax, rdx)


@asm_x64
def start_count() -> None:
    """A no-operation that tools/instruction_counter.c takes for the start of what it counts under number 1."""
    raw(".byte 0x0F, 0x1F, 0x80, 0x01, 0x01, 0xAD, 0x5E")


@asm_x64
def stop_count() -> None:
    raw(".byte 0x0F, 0x1F, 0x80, 0x01, 0x02, 0xAD, 0x5E")


@asm_x64
def invalidate_page(virtual: u64) -> None:
    invlpg([rdi])


@asm_x64
def halt() -> None:
    hlt()


@asm_x64
def disable_interrupts() -> None:
    cli()


@asm_x64
def wait_for_interrupt() -> None:
    """Halts with interrupts on and returns with them off, after at least one was handled."""
    sti()
    hlt()
    cli()


@inline
def has_bit(value: u32, bit: u32) -> bool:
    return (value >> bit) & 1 != 0
