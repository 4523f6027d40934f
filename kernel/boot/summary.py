"""The line that ends the kernel's boot: how many CPUs, how much memory, and which door the kernel came through."""
from compiler.prelude import addr, const, u64
from kernel.arch.x86_64 import cpu
from kernel.arch.x86_64.registers import stop_count
from kernel.boot.memory_total import memory_total_mebibytes
from kernel.core import configuration, log
from kernel.core.line import Line
from kernel.core.options import is_equal

_OUR_LOADERS = const("Ringneck ")       # followed by the name of the door
_LIMINE = const("Limine")


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
