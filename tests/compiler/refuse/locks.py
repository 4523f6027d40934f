"""Locks: guarded fields, order, promises."""
from compiler.prelude import addr, atomic, const, excludes, guarded_by, ptr, requires, struct, u32, u64, zeroed
from collections.abc import Callable
from enum import IntEnum


class Rank(IntEnum):
    TREE = 1
    QUEUE = 2
    LOG = 3


@struct
class Lock:
    taken: atomic[u32]
    rank: u32

    def __enter__(self) -> None:
        while not self.taken.cas(0, 1, "acquire"):
            pass

    def __exit__(self) -> None:
        self.taken.store(0, "release")


@struct
class Queue:
    lock: Lock
    name: u64
    with guarded_by("lock"):
        count: u32
        last: u64

    @requires("lock")
    def push(self, value: u64) -> None:
        self.count += 1
        self.last = value

    @excludes("lock")
    def drain(self) -> None:
        with self.lock:
            self.count = 0

    def length(self) -> u32:
        return self.count
        #! unlocked: self.count => count is guarded by self.lock, which is not held here
        #: with self.lock: around it, or mark length @requires

    def careless(self) -> None:
        self.push(1)
        #! lock: self.push(1) => push requires self.lock, which is not held here
        #: with self.lock: around it, or mark careless @requires too

    def deadlock(self) -> None:
        with self.lock:
            self.drain()
            #! lock: self.drain() => drain takes self.lock, which is already held: this never ends


first: Queue = Queue(lock=Lock(rank=Rank.QUEUE))
second: Queue = Queue(lock=Lock(rank=Rank.QUEUE))
log_lock: Lock = Lock(rank=Rank.LOG)
tree_lock: Lock = Lock(rank=Rank.TREE)


def log() -> None:
    with log_lock:
        pass


def reads(q: ptr[Queue]) -> u32:
    return q.count
    #! unlocked: q.count => count is guarded by q.lock, which is not held here
    #: with q.lock: around it, or mark reads @requires


def writes() -> None:
    first.count = 3
    #! unlocked: first.count => count is guarded by first.lock, which is not held here
    #: with first.lock: around it, or mark writes @requires


def wrong_object(q: ptr[Queue], r: ptr[Queue]) -> None:
    with q.lock:
        r.count = 1
        #! unlocked: r.count => count is guarded by r.lock, which is not held here
        #: with r.lock: around it, or mark wrong_object @requires


def after_the_block(q: ptr[Queue]) -> None:
    with q.lock:
        q.count = 1
    q.last = 3
    #! unlocked: q.last => last is guarded by q.lock, which is not held here
    #: with q.lock: around it, or mark after_the_block @requires


@requires("q.lock")
def promised(q: ptr[Queue]) -> None:
    q.count = 1


def breaks_promise(q: ptr[Queue]) -> None:
    promised(q)
    #! lock: promised(q) => promised requires q.lock, which is not held here
    #: with q.lock: around it, or mark breaks_promise @requires too


def other_promise(q: ptr[Queue], r: ptr[Queue]) -> None:
    with q.lock:
        promised(r)
        #! lock: promised(r) => promised requires r.lock, which is not held here
        #: with r.lock: around it, or mark other_promise @requires too


@requires("r.lock")
def no_such_parameter(q: ptr[Queue]) -> None:
#! lock: def no_such_parameter(q: ptr[Queue]) -> None: => @requires: there is no lock r.lock
#: name a lock of a parameter, as in @requires("queue.lock"), or of the module
    pass


@requires("q.mutex")
def no_such_lock(q: ptr[Queue]) -> None:
#! lock: def no_such_lock(q: ptr[Queue]) -> None: => @requires: there is no lock q.mutex
#: name a lock of a parameter, as in @requires("queue.lock"), or of the module
    pass


def twice(q: ptr[Queue]) -> None:
    with q.lock:
        with q.lock:
        #! lock: with q.lock: => Queue.lock is already held: this never ends
            pass


def same_rank() -> None:
    with first.lock:
        with second.lock:
        #! lock-order: with second.lock: => Queue.lock is taken (rank 2) while Queue.lock (rank 2) is held
        #: take the lock of the lower rank first, or act after the other is released
            pass


def wrong_order() -> None:
    with first.lock:
        with tree_lock:
        #! lock-order: with tree_lock: => tree_lock is taken (rank 1) while Queue.lock (rank 2) is held
        #: take the lock of the lower rank first, or act after the other is released
            pass


def takes_tree() -> None:
    with tree_lock:
        pass


def indirectly() -> None:
    takes_tree()


def wrong_order_in_call() -> None:
    with log_lock:
        indirectly()
        #! lock-order: indirectly() => indirectly takes tree_lock (rank 1) while log_lock (rank 3) is held
        #: take the lock of the lower rank first, or act after the other is released


@requires("tree_lock")
def under_tree() -> None:
    pass


def not_under_tree() -> None:
    under_tree()
    #! lock: under_tree() => under_tree requires tree_lock, which is not held here
    #: with tree_lock: around it, or mark not_under_tree @requires too


def bump(q: ptr[Queue], by: u64) -> None:
    with q.lock:
        q.count += u32(by)


@requires("q.lock")
def bump_held(q: ptr[Queue], by: u64) -> None:
    q.count += u32(by)


action: Callable[[ptr[Queue], u64], None] = bump
held_action: Callable[[ptr[Queue], u64], None] = bump_held


def through_pointer(q: ptr[Queue]) -> None:
    with first.lock:
        action(q, 1)
        #! lock-order: action(q, 1) => bump takes Queue.lock (rank 2) while Queue.lock (rank 2) is held
        #: take the lock of the lower rank first, or act after the other is released


def promise_through_pointer(q: ptr[Queue]) -> None:
    held_action(q, 1)
    #! lock: held_action(q, 1) => bump_held requires q.lock, which is not held here
    #: with q.lock: around it, or mark promise_through_pointer @requires too
    with q.lock:
        held_action(q, 1)


def through_parameter(act: Callable[[ptr[Queue], u64], None], q: ptr[Queue]) -> None:
    act(q, 2)


def with_parameter(q: ptr[Queue]) -> None:
    through_parameter(bump, q)


def nothing_held(q: ptr[Queue]) -> None:
    held_action(q, 1)
    #! lock: held_action(q, 1) => bump_held requires q.lock, which is not held here
    #: with q.lock: around it, or mark nothing_held @requires too
