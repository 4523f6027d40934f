"""Time: nanoseconds since the kernel began, and one alarm for each CPU from its APIC timer.

Time is the time stamp counter's, measured against whatever clock of known rate the machine has
(reference_clock.py), or as the processor tells. When the counter's rate may change, or the CPUs' counters are not in
step, the event timer gives it.
Source: SDM vol 3, 11.5.4 (APIC timer and its deadline mode).
"""
from collections.abc import Callable

from compiler.prelude import addr, const, copy, ptr, struct, u32, u64, u128
from kernel.abi.machine import TIME_SHIFT, TimePage
from kernel.arch.x86_64 import apic, reference_clock, time_stamp
from kernel.arch.x86_64.registers import MSR_TSC_DEADLINE, read_time_stamp, write_msr

_NS = const(1_000_000_000)
_SHIFT = const(TIME_SHIFT)
_SPARE_BITS = const(8)                  # a rate shifted by _SHIFT would not fit
_MEASURED_NS = const(5_000_000)
_INTERVAL_COUNTS = const(5966)          # about as long
_SAMPLES = const(4)                     # of which the one counts that took the shortest time
_POLLS = const(20_000_000)
_ROUNDS = const(3)
_LONGEST_COUNTDOWN = const(0xFFFF_FFFF)
_FARTHEST_NS = const(3_600_000_000_000) # an alarm comes after an hour at the latest
_FEMTOSECONDS = const(1_000_000)        # in a nanosecond
_ASSUMED_HZ = const(1_000_000_000)
_AGREEMENT = const(50)                  # told and measured rates may differ by one part in so many


@struct
class Sample:
    """Three clocks at one moment."""
    reference: u32 = 0
    countdown: u32 = 0
    time_stamp: u64 = 0


@struct
class Measurement:
    ns: u64 = 0
    ticks: u64 = 0
    counts: u64 = 0


reference_name: str = "nothing"         # what the time stamp counter was measured by
has_deadlines: bool = False             # alarms are set in time stamps
is_steady: bool = False                 # the time stamp counter has one rate
is_event_time: bool = False             # now_ns() is the event timer's

_start: u64 = 0                         # ticks
_ns_per_tick: u64 = 0                   # fixed point, _SHIFT binary places
_ticks_per_ns: u64 = 0
_counts_per_ns: u64 = 0                 # of the APIC timer
_hpet_start: u64 = 0
_hpet_start_ns: u64 = 0
_ns_per_hpet_tick: u64 = 0


def describe(page: ptr[TimePage]) -> None:
    """Tells how others compute now_ns() from the time stamp counter."""
    page.start = _start
    page.ns_per_tick = _ns_per_tick
    page.ticks_per_second = ticks_per_second()
    page.is_counted = u64(not is_event_time)


def start() -> None:
    """Time counts from here on; it stands still until measure()."""
    global _start
    _start = read_time_stamp()


def measure() -> bool:
    """Measures the clocks of this CPU, which are taken to be those of all.

    Returns False when there was nothing to measure by and nothing was told: time runs at a rate that is assumed.
    """
    global reference_name, _ns_per_tick, _ticks_per_ns, _counts_per_ns, has_deadlines, is_steady
    found = Measurement()
    told = time_stamp.told_hz()
    is_known = True
    if reference_clock.start_hpet() and _measure_by(reference_clock.read_hpet, _hpet_ns, addr(found)):
        reference_name = "event timer"
    elif reference_clock.has_pm_timer() and _measure_by(
        reference_clock.read_pm_timer, reference_clock.pm_timer_ns, addr(found)
    ):
        reference_name = "power-management timer"
    elif _measure_by_interval(addr(found)):
        reference_name = "interval timer"
    else:
        is_known = told != 0
        _measure_by_itself(told if told != 0 else u64(_ASSUMED_HZ), addr(found))
    hz = found.ticks * _NS // found.ns
    is_plausible = told // _AGREEMENT * (_AGREEMENT - 1) <= hz and hz <= told // _AGREEMENT * (_AGREEMENT + 1)
    if told != 0 and is_plausible:
        hz = told
        reference_name = "processor"
    _ns_per_tick = (u64(_NS) << _SHIFT) // hz
    _ticks_per_ns = ((hz << (_SHIFT - _SPARE_BITS)) // _NS) << _SPARE_BITS
    _counts_per_ns = (found.counts << _SHIFT) // found.ns
    is_steady = time_stamp.is_invariant() or time_stamp.is_emulated()
    has_deadlines = is_steady and time_stamp.has_deadlines()
    if has_deadlines:
        apic.use_deadlines()
    return is_known


def use_event_timer() -> bool:
    """Takes time from the event timer from here on. Returns False when it cannot."""
    global is_event_time, _hpet_start, _hpet_start_ns, _ns_per_hpet_tick
    if not reference_clock.is_hpet_wide():
        return False
    _ns_per_hpet_tick = (reference_clock.hpet_period() << _SHIFT) // _FEMTOSECONDS
    _hpet_start_ns = now_ns()
    _hpet_start = reference_clock.read_wide_hpet()
    is_event_time = True
    return True


def ticks_per_second() -> u64:
    return u64((u128(_ticks_per_ns) * _NS) >> _SHIFT)


def now_ns() -> u64:
    if is_event_time:
        return _hpet_start_ns + _scale(reference_clock.read_wide_hpet() - _hpet_start, _ns_per_hpet_tick)
    return ns_of(read_time_stamp() - _start)


def ns_of(ticks: u64) -> u64:
    """How long so many ticks of the time stamp counter take."""
    return _scale(ticks, _ns_per_tick)


def ns_at(time_stamp: u64) -> u64:
    """When it was that the time stamp counter had this value."""
    return ns_of(time_stamp - _start)


def set_alarm(deadline_ns: u64) -> None:
    """Interrupts this CPU (traps.TIMER) at or soon after the deadline; earlier only when it is far away."""
    now = now_ns()
    wait = min(deadline_ns - now, _FARTHEST_NS) if deadline_ns > now else u64(0)
    if has_deadlines:
        write_msr(MSR_TSC_DEADLINE, read_time_stamp() + _scale(wait, _ticks_per_ns))
    else:
        apic.start_countdown(u32(min(max(_scale(wait, _counts_per_ns), 1), _LONGEST_COUNTDOWN)))


def stop_alarm() -> None:
    if has_deadlines:
        write_msr(MSR_TSC_DEADLINE, 0)
    else:
        apic.start_countdown(0)


def _measure_by(read: Callable[[], u32], ns_between: Callable[[u32, u32], u64], found: ptr[Measurement]) -> bool:
    """Returns False when the reference stands still."""
    apic.start_countdown(_LONGEST_COUNTDOWN)
    first = Sample()
    last = Sample()
    _take_sample(read, addr(first))
    for _ in range(_POLLS):
        if ns_between(first.reference, read()) >= _MEASURED_NS:
            _take_sample(read, addr(last))
            apic.start_countdown(0)
            found.ns = ns_between(first.reference, last.reference)
            found.ticks = last.time_stamp - first.time_stamp
            found.counts = u64(first.countdown - last.countdown)
            return found.ticks != 0 and found.counts != 0
    return False


def _take_sample(read: Callable[[], u32], best: ptr[Sample]) -> None:
    """Of several readings the one that took the shortest time: nothing of the firmware's came in between."""
    shortest: u64 = 0xFFFF_FFFF_FFFF_FFFF
    for _ in range(_SAMPLES):
        before = read_time_stamp()
        sample = Sample(reference=read(), countdown=apic.read_countdown(), time_stamp=before)
        spent = read_time_stamp() - before
        if spent < shortest:
            shortest = spent
            best[0] = copy(sample)


def _measure_by_interval(found: ptr[Measurement]) -> bool:
    """Of several rounds the shortest one counts: whatever comes in between makes them longer."""
    found.ticks = 0xFFFF_FFFF_FFFF_FFFF
    for _ in range(_ROUNDS):
        apic.start_countdown(_LONGEST_COUNTDOWN)
        found.ns = reference_clock.start_interval(_INTERVAL_COUNTS)
        first = Sample(time_stamp=read_time_stamp(), countdown=apic.read_countdown())
        if not reference_clock.wait_interval():
            return False
        ticks = read_time_stamp() - first.time_stamp
        if ticks < found.ticks:
            found.ticks = ticks
            found.counts = u64(first.countdown - apic.read_countdown())
    apic.start_countdown(0)
    return found.ticks != 0 and found.counts != 0


def _measure_by_itself(hz: u64, found: ptr[Measurement]) -> None:
    """The APIC timer by a time stamp counter of assumed rate."""
    apic.start_countdown(_LONGEST_COUNTDOWN)
    first = read_time_stamp()
    before = apic.read_countdown()
    found.ticks = hz // (_NS // _MEASURED_NS)
    while read_time_stamp() - first < found.ticks:
        pass
    found.counts = max(u64(before - apic.read_countdown()), 1)
    apic.start_countdown(0)
    found.ns = _MEASURED_NS


def _hpet_ns(first: u32, last: u32) -> u64:
    return reference_clock.hpet_ns(u32(u64(last) + (1 << 32) - u64(first)))


def _scale(value: u64, factor: u64) -> u64:
    return u64((u128(value) * u128(factor)) >> _SHIFT)
