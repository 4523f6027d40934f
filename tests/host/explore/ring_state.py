"""A ring as the kernel has it, with its thread, capability table and one notification, made anew for each schedule.

Requests go through the ring itself: userspace/lib/ring.py writes them, kernel/submit/enter.py takes them. A task that
would wait in ring_enter is over; whoever ends its wait puts the thread into the CPU's run queue.
There is one CPU, whose per-CPU data all tasks share: none of what they do between two atomic accesses uses them.
"""
from compiler.prelude import addr, array, const, copy, memory_fill, ptr, sizeof, struct, u8, u16, u32, u64, zeroed
from kernel.abi.errors import Status
from kernel.abi.objects import ObjectKind
from kernel.abi.rights import Right
from kernel.abi.ring import Completion, CompletionFlags, KernelPage, Operation, Submission, UserPage
from kernel.arch.x86_64 import cpu
from kernel.caps import table
from kernel.caps.capability import Capability
from kernel.caps.table import Slot
from kernel.complete.queue import unread
from kernel.complete.ring_block import Record, RecordState, Ring
from kernel.core import online, work
from kernel.core.cpu_queue import queue_of
from kernel.core.process_block import Process
from kernel.core.run_queue import RunQueue
from kernel.core.thread_block import Thread, Wait
from kernel.core.work_block import Work
from kernel.objects.notification_block import Notification
from kernel.submit import operations
from kernel.submit.enter import ring_enter
from kernel.sync import spinlock
from tests.host.explore import explorer
from userspace.lib import ring as user_rings

PLACES = const(4)                       # in each queue, and slots: fewer than any real ring has
CANCEL_DATA = const(100)                # user data of a cancel
_SLOTS = const(4)
_ALL_CPUS = const(0xFFFF_FFFF_FFFF_FFFF)
_HIGHEST_PRIORITY = const(63)


@struct(align=4096)
class Page:
    words: array[u64, 512]


@struct(align=4096)
class Pages:
    kernel_page: KernelPage
    user_page: UserPage


ring: Ring = zeroed()
records: array[Record, PLACES] = zeroed()
thread: Thread = zeroed()
process: Process = zeroed()
notification: Notification = zeroed()
user: user_rings.Ring = zeroed()        # the user's side
handle: u64 = 0                         # of the notification

_pages: Pages = zeroed()
_directory: Page = zeroed()
_slots: Page = zeroed()
_fresh_queue: RunQueue = zeroed()       # the CPU's, before anything was in it
_is_started: bool = False
_has_left: bool = False                 # the thread has waited


def _leave(unused: ptr[Work]) -> bool:
    """The CPU has work to do when a thread waits: to end the task."""
    global _has_left
    _has_left = True
    explorer.end_task()


_end_of_task: Work = Work(run=_leave, priority=_HIGHEST_PRIORITY)


def prepare(capacity: u32) -> None:
    """A ring to which nothing has been submitted."""
    global _has_left
    _has_left = False
    if not _is_started:
        _start()
    _prepare_cpu()
    _prepare_table()
    memory_fill(ptr[u8](addr(ring)), 0, sizeof(Ring))
    memory_fill(ptr[u8](addr(records)), 0, PLACES * sizeof(Record))
    for index in range(u64(PLACES)):
        records[index].ring = addr(ring)
        records[index].slot = u16(index)
    ring.places = PLACES
    ring.capacity = capacity
    ring.thread = addr(thread.header)
    ring.kernel_page = addr(_pages.kernel_page)
    ring.user_page = addr(_pages.user_page)
    ring.completions = addr(_pages.kernel_page.completions[0])
    ring.submissions = addr(_pages.user_page.submissions[0])
    ring.records = addr(records[0])
    _pages.kernel_page.submission_head.value.store(0, "relaxed")
    _pages.kernel_page.completion_tail.value.store(0, "relaxed")
    _pages.kernel_page.flags.value.store(0, "relaxed")
    _pages.user_page.submission_tail.value.store(0, "relaxed")
    _pages.user_page.completion_head.value.store(0, "relaxed")
    user_rings.open_ring(addr(user), u64(addr(_pages)))
    user.places = PLACES


def watch(slot: u16, flags: u8, user_data: u64, bits: u64) -> None:
    """Begins to watch these bits of the notification."""
    entry = Submission(operation=u8(Operation.WATCH), flags=flags, slot=slot, user_data=user_data)
    entry.capability = handle
    entry.word0 = bits
    _ = user.submit(addr(entry))
    _ = ring_enter(addr(ring), 1, 0, 0)


def cancel(slot: u64, user_data: u64) -> None:
    entry = Submission(operation=u8(Operation.CANCEL), user_data=CANCEL_DATA, word0=slot, word1=user_data)
    _ = user.submit(addr(entry))
    _ = ring_enter(addr(ring), 1, 0, 0)


def read(completion: ptr[Completion]) -> bool:
    """As the user does: False when everything has been read and nothing was folded meanwhile."""
    if user.next_completion(completion):
        return True
    return user.needs_kick() and kick() and user.next_completion(completion)


def kick() -> bool:
    status, _ = ring_enter(addr(ring), 0, 0, 0)
    return status == Status.OK


def wait_for(completions: u64) -> None:
    """Does not return if the thread waits."""
    _ = ring_enter(addr(ring), 0, completions, 0)


def is_wait_right() -> bool:
    """A thread that waits has nothing to read; one whose wait has been ended was made ready, once."""
    ready = queue_of(0).length.load("relaxed")
    if thread.wait.load("relaxed") == Wait.NONE:
        return ready == u32(_has_left)
    return ready == 0 and user.unread() == 0


def adds_up() -> bool:
    """I-RING-1 and I-RING-4; a ring whose lock is held may be between two of them."""
    if ring.lock.taken.load("relaxed") != 0:
        return True
    return (
        ring.accepted == ring.completed + ring.silent + u64(ring.in_flight)
        and ring.reserved + unread(addr(ring)) <= ring.capacity + 1
        and ring.reserved >= ring.in_flight
    )


def is_free_before_visible() -> bool:
    """I-RING-3: an operation whose last completion the user sees, unread, has left its record.

    Requires: user data are 1 + slot, and a multiple of PLACES more for the next in the slot, which is not submitted
    before the completion is read.
    """
    for index in range(user.unread()):
        completion = user.completion(index)
        record = addr(records[(completion.user_data - 1) % PLACES])
        is_last = completion.flags & u16(CompletionFlags.MORE) == 0
        is_free = completion.user_data == CANCEL_DATA or record.state.load("relaxed") == RecordState.FREE
        if is_last and not is_free:
            return False
    return True


def _start() -> None:
    global _is_started, _fresh_queue
    _is_started = True
    operations.start(_invoke)
    online.set_online(0)
    spinlock.while_spinning = explorer.give_way
    _fresh_queue = copy(queue_of(0)[0])


def _invoke(caller: ptr[Process], named: u64, method: u64, arguments: ptr[u64]) -> tuple[Status, u64]:
    return Status.BAD_OPERATION, 0


def _prepare_cpu() -> None:
    queue_of(0)[0] = copy(_fresh_queue)
    memory_fill(ptr[u8](addr(thread)), 0, sizeof(Thread))
    thread.process = addr(process)
    thread.ring = addr(ring)
    thread.affinity[0].store(_ALL_CPUS, "relaxed")
    thread.cpu_time = 1
    cpu.frame = addr(thread.registers)
    if not _end_of_task.is_queued:
        work.add(addr(_end_of_task))
    cpu.attention = 0


def _prepare_table() -> None:
    """One capability, for the notification."""
    global handle
    memory_fill(ptr[u8](addr(notification)), 0, sizeof(Notification))
    notification.header.kind = ObjectKind.NOTIFICATION
    notification.header.references.store(1, "relaxed")
    memory_fill(ptr[u8](addr(_slots)), 0, _SLOTS * sizeof(Slot))
    _directory.words[0] = u64(addr(_slots))
    process.table.directories[0].store(u64(addr(_directory)), "relaxed")
    process.table.slots.store(_SLOTS, "relaxed")
    process.table.first_page = u64(addr(_slots))
    process.table.free.store(0, "relaxed")
    with process.lock:
        process.first_thread = addr(thread.header)
    for index in range(u32(_SLOTS - 1)):
        table.give_back(addr(process.table), _SLOTS - 1 - index)
    capability = Capability(object=addr(notification.header), rights=u32(Right.WAIT | Right.SIGNAL))
    handle = table.fill(addr(process.table), table.reserve(addr(process.table)), addr(capability))
