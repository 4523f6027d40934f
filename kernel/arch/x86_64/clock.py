"""Time: nanoseconds since the boot from the time stamp counter, and one alarm per CPU from its APIC timer.

Both are measured against the interval timer, which runs at a known rate on every PC.
Source: 8254 data sheet (mode 0), SDM vol 3, 17.17 (time stamp counter), 11.5.4 (APIC timer).
"""
from compiler.prelude import const, u8, u32, u64, u128
from kernel.arch.x86_64 import apic
from kernel.arch.x86_64.registers import in8, out8, read_time_stamp

_PORT_COUNTER_2 = const(0x42)
_PORT_MODE = const(0x43)
_PORT_GATE = const(0x61)
_GATE_2 = const(1 << 0)
_SPEAKER = const(1 << 1)
_OUTPUT_2 = const(1 << 5)
_COUNTER_2_MODE_0 = const(0b1011_0000)
_RATE_HZ = const(1_193_182)
_COUNT = const(5966)                    # about 5 ms
_NS = const(1_000_000_000)
_SHIFT = const(32)
_LONGEST_COUNTDOWN = const(0xFFFF_FFFF)

_start: u64 = 0                         # ticks
_ns_per_tick: u64 = 0                   # fixed point, _SHIFT binary places
_counts_per_ns: u64 = 0                 # of the APIC timer


def start() -> None:
    """Time counts from here on; it stands still until measure()."""
    global _start
    _start = read_time_stamp()


def measure() -> None:
    """Measures the clocks of this CPU, which are taken to be those of all."""
    global _ns_per_tick, _counts_per_ns
    out8(_PORT_GATE, (in8(_PORT_GATE) & ~u8(_SPEAKER)) | _GATE_2)
    out8(_PORT_MODE, _COUNTER_2_MODE_0)
    out8(_PORT_COUNTER_2, _COUNT & 0xFF)
    apic.start_countdown(_LONGEST_COUNTDOWN)
    out8(_PORT_COUNTER_2, _COUNT >> 8)
    first = read_time_stamp()
    while in8(_PORT_GATE) & _OUTPUT_2 == 0:
        pass
    ticks = read_time_stamp() - first
    counts = u64(_LONGEST_COUNTDOWN - apic.read_countdown())
    apic.start_countdown(0)
    elapsed: u64 = _COUNT * _NS // _RATE_HZ
    _ns_per_tick = (elapsed << _SHIFT) // ticks
    _counts_per_ns = (counts << _SHIFT) // elapsed


def now_ns() -> u64:
    return ns_of(read_time_stamp() - _start)


def ns_of(ticks: u64) -> u64:
    """How long so many ticks of the time stamp counter take."""
    return _scale(ticks, _ns_per_tick)


def set_alarm(deadline_ns: u64) -> None:
    """Interrupts this CPU (traps.TIMER) at or soon after the deadline; earlier only when it is far away."""
    now = now_ns()
    wait = _scale(deadline_ns - now, _counts_per_ns) if deadline_ns > now else u64(0)
    apic.start_countdown(u32(min(max(wait, 1), _LONGEST_COUNTDOWN)))


def stop_alarm() -> None:
    apic.start_countdown(0)


def _scale(value: u64, factor: u64) -> u64:
    return u64((u128(value) * u128(factor)) >> _SHIFT)
