"""The thread's ring: writing submissions, reading completions."""
from compiler.prelude import addr, copy, fence, ptr, struct, u8, u16, u32, u64, wrap_add, wrap_sub
from kernel.abi.errors import Status
from kernel.abi.ring import (
    COMPLETION_CAPACITY,
    Completion,
    KernelPage,
    RingFlags,
    Submission,
    UserPage,
    pages_for,
    places_for,
)
from kernel.arch.x86_64.pages import PAGE_BYTES
from userspace.lib.syscall import ring_enter


@struct
class Ring:
    kernel_page: ptr[KernelPage]
    user_page: ptr[UserPage]
    completions: ptr[Completion]
    submissions: ptr[Submission]
    places: u32
    submission_tail: u32
    completion_head: u32

    def submit(self, entry: ptr[Submission]) -> bool:
        """Writes an entry. Returns False when the kernel has not taken enough of the earlier ones."""
        head = self.kernel_page.submission_head.value.load("acquire")
        if wrap_sub(self.submission_tail, head) == self.places:
            return False
        self.submissions[self.submission_tail & (self.places - 1)] = copy(entry[0])
        self.submission_tail = wrap_add(self.submission_tail, 1)
        # Pairs with the kernel's acquiring load: the entry is complete before it is visible.
        self.user_page.submission_tail.value.store(self.submission_tail, "release")
        return True

    def stage(self, operation: u8, slot: u16, flags: u8, user_data: u64) -> ptr[Submission] | None:
        """Begins an entry in its place, for publish(); the caller fills in what the operation reads besides."""
        if wrap_sub(self.submission_tail, self.kernel_page.submission_head.value.load("relaxed")) == self.places:
            return None
        entry = addr(self.submissions[self.submission_tail & (self.places - 1)])
        ptr[u64](entry)[0] = u64(operation) | u64(flags) << 8 | u64(slot) << 16
        entry.user_data = user_data
        self.submission_tail = wrap_add(self.submission_tail, 1)
        return entry

    def publish(self) -> None:
        """Shows the kernel what was staged."""
        # Pairs with the kernel's acquiring load: the entries are complete before they are visible.
        self.user_page.submission_tail.value.store(self.submission_tail, "release")

    def unread(self) -> u32:
        """How many completions there are to read, with completion() and done_with()."""
        return wrap_sub(self.kernel_page.completion_tail.value.load("acquire"), self.completion_head)

    def completion(self, index: u32) -> ptr[Completion]:
        """An unread completion in its place, 0 the oldest."""
        return addr(self.completions[wrap_add(self.completion_head, index) & (self.places - 1)])

    def done_with(self, count: u32) -> None:
        """Frees the places of the oldest completions."""
        self.completion_head = wrap_add(self.completion_head, count)
        self.user_page.completion_head.value.store(self.completion_head, "release")

    def enter(self, entries: u64, completions: u64) -> Status:
        status, _ = ring_enter(entries, completions, 0)
        return status

    def next_completion(self, completion: ptr[Completion]) -> bool:
        """Copies the oldest unread completion out and frees its place. Returns False when there is none."""
        tail = self.kernel_page.completion_tail.value.load("acquire")
        if tail == self.completion_head:
            return False
        completion[0] = copy(self.completions[self.completion_head & (self.places - 1)])
        self.completion_head = wrap_add(self.completion_head, 1)
        self.user_page.completion_head.value.store(self.completion_head, "release")
        return True

    def needs_kick(self) -> bool:
        """After reading: whether the ring has to be entered, so that events that were folded meanwhile are posted."""
        # Pairs with the kernel's: it sets the flag, fences, and looks at the head once more.
        fence("seq_cst")
        return self.kernel_page.flags.value.load("relaxed") & u32(RingFlags.NEED_KICK) != 0

    def kick(self) -> bool:
        """After reading: lets events that were folded meanwhile be posted. Returns whether to read on."""
        return self.needs_kick() and self.enter(0, 0) == Status.OK

    def take(self, completion: ptr[Completion]) -> bool:
        """As next_completion(), and asks for folded events when there is none: False means that all have been read."""
        return self.next_completion(completion) or self.kick() and self.next_completion(completion)


def open_ring(ring: ptr[Ring], address: u64, capacity: u64 = COMPLETION_CAPACITY) -> None:
    """A ring to which nothing has been submitted yet. That which a thread got at its start has the usual capacity."""
    places = places_for(capacity)
    ring.kernel_page = ptr[KernelPage](address)
    ring.user_page = ptr[UserPage](address + pages_for(places) * PAGE_BYTES)
    ring.completions = addr(ring.kernel_page.completions[0])
    ring.submissions = addr(ring.user_page.submissions[0])
    ring.places = u32(places)
    ring.submission_tail = 0
    ring.completion_head = 0
