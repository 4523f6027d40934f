"""Clocks of known rate, to measure the others by: the event timer, the power-management timer, the interval timer.

Owns: the event timer's main counter, the third counter of the interval timer.
Source: IA-PC HPET 1.0a, 2.3; ACPI 6.5, 4.8.2.1 (power-management timer); 8254 data sheet (mode 0).
"""
from compiler.prelude import const, mem32, mem64, u8, u16, u32, u64
from kernel.arch.x86_64.registers import in8, in32, out8

_HPET_CAPABILITIES = const(0x00)
_HPET_CONFIGURATION = const(0x10)
_HPET_COUNTER = const(0xF0)
_HPET_IS_WIDE = const(1 << 13)
_HPET_ENABLED = const(1)
_HPET_LONGEST_PERIOD = const(100_000_000)       # femtoseconds
_FEMTOSECONDS = const(1_000_000)                # in a nanosecond
_PM_RATE_HZ = const(3_579_545)
_PM_BITS = const(24)                            # some machines have 32, all have these
_POLLS = const(2_000_000)

_PORT_COUNTER_2 = const(0x42)
_PORT_MODE = const(0x43)
_PORT_GATE = const(0x61)
_GATE_2 = const(1 << 0)
_SPEAKER = const(1 << 1)
_OUTPUT_2 = const(1 << 5)
_COUNTER_2_MODE_0 = const(0b1011_0000)
_PIT_RATE_HZ = const(1_193_182)
_NS = const(1_000_000_000)

hpet: u64 = 0                           # where its registers are mapped; 0: none
pm_timer_port: u16 = 0                  # 0: none


def start_hpet() -> bool:
    """Lets the event timer count. Returns False when there is none, or it does not count."""
    if hpet == 0:
        return False
    period = hpet_period()
    if period == 0 or period > _HPET_LONGEST_PERIOD:
        return False
    mem64[hpet + _HPET_CONFIGURATION] = mem64[hpet + _HPET_CONFIGURATION] | _HPET_ENABLED
    first = read_hpet()
    for _ in range(_POLLS):
        if read_hpet() != first:
            return True
    return False


def read_hpet() -> u32:
    return mem32[hpet + _HPET_COUNTER]


def hpet_ns(ticks: u32) -> u64:
    return u64(ticks) * hpet_period() // _FEMTOSECONDS


def is_hpet_wide() -> bool:
    """Whether the event timer counts, in 64 bits."""
    return start_hpet() and mem64[hpet + _HPET_CAPABILITIES] & _HPET_IS_WIDE != 0


def read_wide_hpet() -> u64:
    return mem64[hpet + _HPET_COUNTER]


def hpet_period() -> u64:
    """Of one tick, in femtoseconds."""
    return mem64[hpet + _HPET_CAPABILITIES] >> 32


def has_pm_timer() -> bool:
    """Whether there is one and it counts."""
    if pm_timer_port == 0:
        return False
    first = read_pm_timer()
    for _ in range(_POLLS):
        if read_pm_timer() != first:
            return True
    return False


def read_pm_timer() -> u32:
    return in32(pm_timer_port) & ((1 << _PM_BITS) - 1)


def pm_timer_ns(first: u32, last: u32) -> u64:
    ticks = (last + (1 << _PM_BITS) - first) & ((1 << _PM_BITS) - 1)
    return u64(ticks) * _NS // _PM_RATE_HZ


def start_interval(counts: u16) -> u64:
    """Lets the interval timer count down once. Returns how long that takes, in nanoseconds."""
    out8(_PORT_GATE, (in8(_PORT_GATE) & ~u8(_SPEAKER)) | _GATE_2)
    out8(_PORT_MODE, _COUNTER_2_MODE_0)
    out8(_PORT_COUNTER_2, u8(counts))
    out8(_PORT_COUNTER_2, u8(counts >> 8))
    return u64(counts) * _NS // _PIT_RATE_HZ


def wait_interval() -> bool:
    """Returns False when the interval timer has ended at once, or never does: some machines have none."""
    if in8(_PORT_GATE) & _OUTPUT_2 != 0:
        return False
    for _ in range(_POLLS):
        if in8(_PORT_GATE) & _OUTPUT_2 != 0:
            return True
    return False
