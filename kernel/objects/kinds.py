"""The kinds of objects that the kernel has, made known to what handles any of them."""
from kernel.objects import account, lease, notification, process


def start() -> None:
    account.start()
    lease.start()
    notification.start()
    process.start()
