"""Delays measured by a clock of known frequency: the ACPI power-management timer, else PIT channel 2.

Where neither ticks, writes to the diagnostic port stand in: each takes about a microsecond on every PC.
Source: ACPI 6.5, 4.8.3.3; the 8254 data sheet, mode 0.
"""
from compiler.prelude import const, u8, u16, u32, u64, wrap_sub
from kernel.arch.x86_64 import registers

PM_TIMER_HZ = const(3579545)
PM_TIMER_MASK = const(0xFFFFFF)         # 24 bits are always there
PIT_HZ = const(1193182)
PIT_CHANNEL_2 = const(0x42)
PIT_COMMAND = const(0x43)
PIT_CHANNEL_2_MODE_0 = const(0xB0)
SYSTEM_CONTROL = const(0x61)
GATE = const(1)
SPEAKER = const(2)
OUTPUT = const(0x20)
DIAGNOSTIC_PORT = const(0x80)
READS_WITHOUT_TICK = const(100000)
LONGEST_PIT_US = const(10000)

SOURCE_PORT = const(0)
SOURCE_PIT = const(1)
SOURCE_PM_TIMER = const(2)

_source: u32 = SOURCE_PORT
_pm_timer: u16 = 0


def start_clock(pm_timer_port: u16) -> None:
    """Chooses the first clock that ticks; `pm_timer_port` is 0 where ACPI names none."""
    global _source, _pm_timer
    _pm_timer = pm_timer_port
    if pm_timer_port != 0 and _pm_timer_ticks():
        _source = SOURCE_PM_TIMER
    elif _run_pit(100):
        _source = SOURCE_PIT


def delay_us(microseconds: u64) -> None:
    if _source == SOURCE_PM_TIMER:
        _wait_pm_timer(microseconds)
    elif _source == SOURCE_PIT:
        left = microseconds
        while left != 0:
            step = min(left, LONGEST_PIT_US)
            _ = _run_pit(step)
            left -= step
    else:
        for _write in range(microseconds):
            registers.out8(DIAGNOSTIC_PORT, 0)


def _pm_timer_ticks() -> bool:
    first = registers.in32(_pm_timer)
    for _read in range(READS_WITHOUT_TICK):
        if registers.in32(_pm_timer) != first:
            return True
    return False


def _wait_pm_timer(microseconds: u64) -> None:
    wanted = microseconds * PM_TIMER_HZ // 1000000 + 1
    passed: u64 = 0
    last = registers.in32(_pm_timer)
    while passed < wanted:
        now = registers.in32(_pm_timer)
        passed += u64(wrap_sub(now, last) & PM_TIMER_MASK)
        last = now


def _run_pit(microseconds: u64) -> bool:
    """Lets channel 2 count once. Returns False when it does not end, as where there is no PIT."""
    count = max(microseconds * PIT_HZ // 1000000, 1)
    control = registers.in8(SYSTEM_CONTROL) & (0xFF - SPEAKER - GATE)
    registers.out8(SYSTEM_CONTROL, control)
    registers.out8(PIT_COMMAND, PIT_CHANNEL_2_MODE_0)
    registers.out8(PIT_CHANNEL_2, u8(count & 0xFF))
    registers.out8(PIT_CHANNEL_2, u8(count >> 8))
    registers.out8(SYSTEM_CONTROL, control | GATE)
    for _read in range(READS_WITHOUT_TICK):
        if (registers.in8(SYSTEM_CONTROL) & OUTPUT) != 0:
            return True
    return False
