"""The kinds of objects that the kernel has, made known to what handles any of them."""
from kernel.core import destruction, grace
from kernel.objects import (
    account,
    channel,
    console,
    interrupt,
    ioports,
    lease,
    memory,
    notification,
    process,
    ring,
    thread,
    transfer,
    upcall,
)


def start() -> None:
    destruction.start()
    grace.start()
    account.start()
    channel.start()
    console.start()
    interrupt.start()
    ioports.start()
    lease.start()
    memory.start()
    notification.start()
    process.start()
    ring.start()
    thread.start()
    transfer.start()
    upcall.start()
