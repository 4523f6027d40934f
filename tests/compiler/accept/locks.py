"""Locks used as they should be."""
from compiler.prelude import addr, array, atomic, excludes, guarded_by, percpu, ptr, requires, struct, u32, u64, zeroed


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
    with guarded_by("lock"):
        count: u32
    with guarded_by("cpu"):
        hits: u32

    @requires("lock")
    def push(self) -> None:
        self.count += 1

    @excludes("lock")
    def add(self) -> None:
        with self.lock:
            self.push()


@struct
class Owner:
    queue: Queue
    queues: array[Queue, 4]


outer: Lock = Lock(rank=1)
queue: Queue = Queue(lock=Lock(rank=2))
owner: Owner = zeroed()


def in_order() -> None:
    with outer, queue.lock:
        queue.count = 1


def in_order_by_call() -> None:
    with outer:
        queue.add()


def nested_place(o: ptr[Owner], i: u64) -> u32:
    with o.queue.lock:
        o.queue.count += 1
    with o.queues[i].lock:
        o.queues[i].count += 1
        o.queues[i].push()
    q = addr(o.queues[2])
    with q.lock:
        q.push()
        return q.count


@requires("q.lock")
def helper(q: ptr[Queue]) -> None:
    q.push()


def calls_helper(q: ptr[Queue]) -> None:
    with q.lock:
        helper(q)
    q.hits += 1


def private() -> u32:
    mine: Queue = zeroed()
    mine.count = 3
    return mine.count


def early_return(q: ptr[Queue]) -> u32:
    with q.lock:
        if q.count > 3:
            return q.count
    return 0


@requires("outer")
def under_outer() -> None:
    queue.add()


def calls_under_outer() -> None:
    with outer:
        under_outer()
