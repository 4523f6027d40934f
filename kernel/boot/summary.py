"""The lines that end the kernel's boot: the clocks; how many CPUs, how much memory, and which door it came through."""
from compiler.prelude import addr, const, u64
from kernel.arch.x86_64 import apic, clock, cpu, time_stamp
from kernel.arch.x86_64.registers import stop_count
from kernel.boot.memory_total import memory_total_mebibytes
from kernel.core import configuration, log
from kernel.core.line import Line
from kernel.core.options import is_equal

_OUR_LOADERS = const("Ringneck ")       # followed by the name of the door
_LIMINE = const("Limine")
_HERTZ = const(1_000_000)               # in a megahertz


def write_clocks() -> str:
    """Which of several ways to tell the time and to interrupt is in use: tests and reports of trouble ask for it."""
    megahertz = clock.ticks_per_second() // _HERTZ
    time = "event timer" if clock.is_event_time else "time stamps"
    steady = "invariant" if time_stamp.is_invariant() else "emulated" if clock.is_steady else "not invariant"
    alarm = "deadline" if clock.has_deadlines else "countdown"
    mode = "x2APIC" if apic.is_x2apic else "xAPIC"
    log.info(
        f"boot: time by {time}; time stamps {steady}, {megahertz} MHz by the {clock.reference_name}; "
        f"alarms by {alarm}; {mode}"
    )
    return ""


def write_summary() -> str:
    line = Line()
    line.text("boot: ok cpus=")
    line.decimal(u64(cpu.running_cpus.load("relaxed")))
    line.text(" memory=")
    line.decimal(memory_total_mebibytes(configuration.regions()))
    line.text("MiB door=")
    name = configuration.loader_name()
    prefix = u64(len(_OUR_LOADERS))
    if len(name) > prefix and is_equal(name[0:prefix], _OUR_LOADERS):
        line.untrusted(name[prefix : len(name)])
    elif is_equal(name, _LIMINE):
        line.text("limine")
    else:
        line.text("unknown")
    log.write(addr(line))
    stop_count()
    return ""
