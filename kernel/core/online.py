"""Which CPUs take part: all that have started are asked for grace periods, those on line run threads.

A CPU off line gives its threads, timers and lines of devices away and halts; it still answers requests, finishes work
that it has begun, and takes the messages of devices that have not been told to send them elsewhere.
"""
from compiler.prelude import array, atomic, const, count_ones, count_zeros_right, u32, u64, zeroed
from kernel.config import CPU_LIMIT

ONLINE_WORDS = const(CPU_LIMIT // 64)

started: array[atomic[u64], ONLINE_WORDS] = zeroed()    # bit i of word w: CPU 64 w + i
online: array[atomic[u64], ONLINE_WORDS] = zeroed()


def is_online(index: u32) -> bool:
    return (online[index // 64].load("acquire") >> u64(index % 64)) & 1 != 0


def has_started(index: u32) -> bool:
    return (started[index // 64].load("acquire") >> u64(index % 64)) & 1 != 0


def set_online(index: u32) -> None:
    _ = started[index // 64].fetch_or(u64(1) << u64(index % 64), "seq_cst")
    _ = online[index // 64].fetch_or(u64(1) << u64(index % 64), "seq_cst")


def set_offline(index: u32) -> bool:
    """Returns False for the last CPU, which stays. Requires: one caller at a time."""
    count: u64 = 0
    for word in range(ONLINE_WORDS):
        count += count_ones(online[word].load("seq_cst"))
    if count == 1 and is_online(index):
        return False
    _ = online[index // 64].fetch_and(~(u64(1) << u64(index % 64)), "seq_cst")
    return True


def first_online() -> u32:
    for word in range(ONLINE_WORDS):
        bits = online[word].load("relaxed")
        if bits != 0:
            return u32(word) * 64 + u32(count_zeros_right(bits))
    return 0
