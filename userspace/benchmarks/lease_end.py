"""Ending a lease with ten thousand capabilities under it: the end alone, each time of a fresh lease."""
from compiler.prelude import array, const, u64, zeroed
from kernel.abi.bootinfo import ROOT_ACCOUNT
from kernel.abi.methods import Method
from kernel.abi.rights import Right
from userspace.benchmarks.clock import SAMPLES, report, start_mark, stop_mark, time_stamp
from userspace.lib.syscall import close, invoke

_CAPABILITIES = const(10_000)

_handles: array[u64, _CAPABILITIES] = zeroed()


def measure_lease_end(notification: u64) -> None:
    samples: array[u64, SAMPLES] = zeroed()
    for sample in range(u64(SAMPLES)):
        _, lease = invoke(ROOT_ACCOUNT, Method.ACCOUNT_CREATE_LEASE)
        for index in range(u64(_CAPABILITIES)):
            _, _handles[index] = invoke(notification, Method.MINT, Right.SIGNAL, 0, lease)
        start_mark()
        begin = time_stamp()
        _, _ = invoke(lease, Method.LEASE_END)
        end = time_stamp()
        stop_mark()
        samples[sample] = (end - begin) * 100
        for handle in _handles:
            _ = close(handle)
        _ = close(lease)
    report("lease_end_10000", 1, 1, samples[:])
