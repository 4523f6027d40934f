"""Functions called where they must not run."""
from compiler.prelude import atomic, irqs_off, may_fault, struct, u32, u64


@struct
class Lock:
    taken: atomic[u32]
    rank: u32

    def __enter__(self) -> None:
        self.taken.store(1)

    def __exit__(self) -> None:
        self.taken.store(0)


@struct
class IrqsOff:
    saved: u64

    @irqs_off
    def __enter__(self) -> None:
        self.saved = 1

    def __exit__(self) -> None:
        self.saved = 0


lock: Lock = Lock(rank=1)


@may_fault
def copy_in(address: u64) -> u64:
    return address


def reads_user(address: u64) -> u64:
    return copy_in(address)


@irqs_off
def switch() -> None:
    pass


def under_lock(address: u64) -> u64:
    with lock:
        return copy_in(address)
        #! context: copy_in(address) => copy_in may fault, and a lock is held
        #: copy from user memory before, and act after


def under_lock_by_call(address: u64) -> u64:
    with lock:
        return reads_user(address)
        #! context: reads_user(address) => reads_user may fault, and a lock is held
        #: copy from user memory before, and act after


@irqs_off
def interrupts_off(address: u64) -> u64:
    return reads_user(address)
    #! context: reads_user(address) => reads_user may fault, and interrupts are off
    #: copy from user memory before, and act after


def with_interrupts() -> None:
    switch()
    #! context: switch() => switch runs with interrupts off only
    #: mark with_interrupts @irqs_off, or call it inside a with that turns them off


def turned_off() -> None:
    with IrqsOff():
        switch()


@irqs_off
def marked() -> None:
    switch()
