"""asyncio: Python's names for tasks on our rings. README.md says how it is put together."""
from builtins import TimeoutError  # noqa: A004, F401 - as Python has it here, too

from userspace.lib.asyncio.gather import (  # noqa: F401
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    gather,
    shield,
    wait,
)
from userspace.lib.asyncio.groups import TaskGroup  # noqa: F401
from userspace.lib.asyncio.locks import Event, Lock, Semaphore  # noqa: F401
from userspace.lib.asyncio.loop import run  # noqa: F401
from userspace.lib.asyncio.queues import Queue, QueueEmpty, QueueFull  # noqa: F401
from userspace.lib.asyncio.sleepers import sleep  # noqa: F401
from userspace.lib.asyncio.task import CancelledError, InvalidStateError, Task, create_task  # noqa: F401
from userspace.lib.asyncio.timeouts import timeout, wait_for  # noqa: F401
