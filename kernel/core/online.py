"""Which CPUs take part: run threads, are asked for grace periods, get timers."""
from compiler.prelude import array, atomic, const, u32, u64, zeroed
from kernel.config import CPU_LIMIT

ONLINE_WORDS = const(CPU_LIMIT // 64)

online: array[atomic[u64], ONLINE_WORDS] = zeroed()     # bit i of word w: CPU 64 w + i


def is_online(index: u32) -> bool:
    return (online[index // 64].load("acquire") >> u64(index % 64)) & 1 != 0


def set_online(index: u32) -> None:
    _ = online[index // 64].fetch_or(u64(1) << u64(index % 64), "seq_cst")


def set_offline(index: u32) -> None:
    _ = online[index // 64].fetch_and(~(u64(1) << u64(index % 64)), "seq_cst")
