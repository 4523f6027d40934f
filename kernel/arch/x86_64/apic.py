"""The local APIC of this CPU, in xAPIC or x2APIC mode, whichever the loader left on.

Owns: the APIC's registers; the two legacy interrupt controllers, which are masked for good.
Source: SDM vol 3, 11.4 (xAPIC), 11.5.4 (timer), 11.6 (interprocessor interrupts), 11.12 (x2APIC); 8259A data sheet.
"""
from compiler.prelude import array, const, fence, mem32, spin_hint, u32, u64, zeroed
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.registers import (
    APIC_BASE_ADDRESS,
    APIC_BASE_ENABLED,
    APIC_BASE_X2APIC,
    MSR_APIC_BASE,
    MSR_X2APIC,
    PORT_PIC_MASTER_COMMAND,
    PORT_PIC_MASTER_DATA,
    PORT_PIC_SLAVE_COMMAND,
    PORT_PIC_SLAVE_DATA,
    out8,
    read_msr,
    write_msr,
)
from kernel.arch.x86_64.traps import SPURIOUS, TIMER
from kernel.config import CPU_LIMIT

# Register offsets of xAPIC; x2APIC has them at MSR_X2APIC + offset / 16.
_IDENTITY = const(0x20)
_TASK_PRIORITY = const(0x80)
_END_OF_INTERRUPT = const(0xB0)
_SPURIOUS_VECTOR = const(0xF0)
_COMMAND = const(0x300)
_DESTINATION = const(0x310)             # xAPIC only: x2APIC has it in the upper half of the command
_LOCAL_TIMER = const(0x320)
_LOCAL_LINE_0 = const(0x350)
_LOCAL_LINE_1 = const(0x360)
_LOCAL_ERROR = const(0x370)
_TIMER_START = const(0x380)
_TIMER_COUNT = const(0x390)
_TIMER_DIVIDE = const(0x3E0)

_SOFTWARE_ENABLED = const(1 << 8)
_MASKED = const(1 << 16)
_DELIVERY_NMI = const(4 << 8)
_ASSERT = const(1 << 14)
_IS_PENDING = const(1 << 12)            # of the command register: the last command has not been sent yet
_DEADLINE_MODE = const(2 << 17)
_DIVIDE_BY_1 = const(0b1011)
_SEND_POLLS = const(1_000_000)

_PIC_INITIALISE = const(0x11)           # edge triggered, cascaded, a fourth command word follows
_PIC_MASTER_VECTOR = const(0x20)        # where a spurious interrupt of a masked controller would land
_PIC_SLAVE_VECTOR = const(0x28)
_PIC_MASTER_HAS_SLAVE = const(4)
_PIC_SLAVE_IDENTITY = const(2)
_PIC_8086_MODE = const(1)

_registers: u64 = 0                     # where xAPIC's registers are mapped
is_x2apic: bool = False                 # the mode
_timer_mode: u32 = 0
_identities: array[u32, CPU_LIMIT] = zeroed()   # by index of the CPU, plus one; 0: has not started


def physical_base() -> u64:
    """The page of xAPIC's registers, the same on every CPU."""
    return read_msr(MSR_APIC_BASE) & APIC_BASE_ADDRESS


def find(registers: u64) -> None:
    """Notes the mode and where the registers have been mapped. Requires: the boot CPU."""
    global _registers, is_x2apic
    _registers = registers
    is_x2apic = read_msr(MSR_APIC_BASE) & APIC_BASE_X2APIC != 0


def start() -> None:
    """Turns this CPU's APIC on with every local source masked but the timer, which is stopped."""
    write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | APIC_BASE_ENABLED)
    _identities[cpu.index] = (_read(_IDENTITY) if is_x2apic else _read(_IDENTITY) >> 24) + 1
    _write(_SPURIOUS_VECTOR, _SOFTWARE_ENABLED | SPURIOUS)
    _write(_TASK_PRIORITY, 0)
    _write(_TIMER_DIVIDE, _DIVIDE_BY_1)
    _write(_TIMER_START, 0)
    _write(_LOCAL_TIMER, _timer_mode | TIMER)
    _write(_LOCAL_LINE_0, _MASKED)
    _write(_LOCAL_LINE_1, _DELIVERY_NMI)
    _write(_LOCAL_ERROR, _MASKED)


def mask_legacy_controllers() -> None:
    out8(PORT_PIC_MASTER_COMMAND, _PIC_INITIALISE)
    out8(PORT_PIC_SLAVE_COMMAND, _PIC_INITIALISE)
    out8(PORT_PIC_MASTER_DATA, _PIC_MASTER_VECTOR)
    out8(PORT_PIC_SLAVE_DATA, _PIC_SLAVE_VECTOR)
    out8(PORT_PIC_MASTER_DATA, _PIC_MASTER_HAS_SLAVE)
    out8(PORT_PIC_SLAVE_DATA, _PIC_SLAVE_IDENTITY)
    out8(PORT_PIC_MASTER_DATA, _PIC_8086_MODE)
    out8(PORT_PIC_SLAVE_DATA, _PIC_8086_MODE)
    out8(PORT_PIC_MASTER_DATA, 0xFF)
    out8(PORT_PIC_SLAVE_DATA, 0xFF)


def send(target: u32, vector: u32) -> None:
    """Interrupts the CPU of this index."""
    _command(target, vector)


def identity_of(target: u32) -> u32:
    """What other interrupt controllers call the CPU of this index. Requires: it has started."""
    return _identities[target] - 1


def use_deadlines() -> None:
    """Lets the timers of this CPU and of those that start later interrupt at a value of the time stamp counter."""
    global _timer_mode
    _timer_mode = _DEADLINE_MODE
    _write(_LOCAL_TIMER, _timer_mode | TIMER)
    fence("seq_cst")                    # the first deadline may not be written before the mode


def start_countdown(ticks: u32) -> None:
    """Lets the timer interrupt once after so many ticks of its own clock; 0 stops it."""
    _write(_TIMER_START, ticks)


def read_countdown() -> u32:
    return _read(_TIMER_COUNT)


def stop_others() -> None:
    """Sends every other CPU that has started a non-maskable interrupt."""
    for target in range(cpu.known_cpus):
        if target != cpu.index and _identities[target] != 0:
            _command(target, _DELIVERY_NMI)


def end_interrupt() -> None:
    _write(_END_OF_INTERRUPT, 0)


def _command(target: u32, what: u32) -> None:
    destination = identity_of(target)
    if is_x2apic:
        write_msr(MSR_X2APIC + (_COMMAND >> 4), (u64(destination) << 32) | _ASSERT | u64(what))
        return
    for _ in range(_SEND_POLLS):
        if _read(_COMMAND) & _IS_PENDING == 0:
            break
        spin_hint()
    _write(_DESTINATION, destination << 24)
    _write(_COMMAND, _ASSERT | what)


def _write(register: u32, value: u32) -> None:
    if is_x2apic:
        write_msr(MSR_X2APIC + (register >> 4), u64(value))
    else:
        mem32[_registers + u64(register)] = value


def _read(register: u32) -> u32:
    if is_x2apic:
        return u32(read_msr(MSR_X2APIC + (register >> 4)))
    return mem32[_registers + u64(register)]
