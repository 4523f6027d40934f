"""A large program for the compiler's benchmark: many modules of the kernel's kind of code, none like another.

Each module has constants, an enum, structs with bit-fields, a table, a ring, a free list, a state machine, a parser and
a checksum; the numbers in them follow from the module's position. The entry reaches every function.
"""

from pathlib import Path

ENTRY = "program.main"
_MODULE = '''"""Service {k}: requests are parsed, queued, and accounted."""

from enum import IntEnum

from compiler.prelude import (
    addr, array, atomic, bits, const, count_zeros_right, ptr, span, struct, u8, u16, u32, u64, zeroed
)
{imports}

SLOTS = const({slots})
RING = const({ring})
SEED = const({seed:#x})
LIMIT = const(SLOTS * 3 + {k})
BAD_REQUEST = const({k} * 16 + 1)
FULL = const({k} * 16 + 2)
NOT_FOUND = const({k} * 16 + 3)


class State(IntEnum):
    IDLE = 0
    WAITING = 1
    RUNNING = 2
    BLOCKED = 3
    DEAD = {dead}


@struct
class Descriptor:
    address: u64 = 0
    valid: bits[u64, 0, 1] = 0
    kind: bits[u64, 1, 3] = 0
    frame: bits[u64, 12, {frame_bits}] = 0
    length: u32 = 0
    owner: u16 = 0
    flags: u16 = 0

    def is_free(self) -> bool:
        return self.valid == 0

    def claim(self, owner: u16, length: u32) -> None:
        self.valid = 1
        self.owner = owner
        self.length = length
        self.kind = u64(length & 7)
        self.frame = (self.address >> 12) & {frame_mask:#x}

    def release(self) -> None:
        self.valid = 0
        self.length = 0
        self.flags |= {flag}


@struct
class Entry:
    key: u64
    value: u32
    next: u32


@struct
class Header:
    magic: u32
    kind: u8
    options: u8
    length: u16
    tag: u64


@struct
class Account:
    used: u64 = 0
    limit: u64 = LIMIT
    refused: u32 = 0
    state: u8 = 0

    def charge(self, amount: u64) -> bool:
        """Refuses before it changes anything."""
        if amount > self.limit or self.used > self.limit - amount:
            self.refused += 1
            return False
        self.used += amount
        return True

    def refund(self, amount: u64) -> None:
        self.used = self.used - amount if self.used >= amount else 0


descriptors: array[Descriptor, SLOTS] = zeroed()
entries: array[Entry, SLOTS] = zeroed()
buckets: array[u32, 16] = zeroed()
ring: array[u64, RING] = zeroed()
table: array[u32, 64] = array(({row}))
account: Account = Account()
tickets: atomic[u64] = 0
head: u64 = 0
tail: u64 = 0
free_entries: u32 = 0
state: u8 = 0


def prepare() -> None:
    global free_entries
    for i in range(u64(1), u64(SLOTS)):
        entries[i].next = u32(i) + 1 if i + 1 < SLOTS else 0
    free_entries = 1
    for i in range(u64(SLOTS)):
        descriptors[i].address = i * {page} + SEED


def checksum(data: span[u8], start: u32) -> u32:
    total = start ^ SEED
    for item in data:
        total = (total >> {shift}) ^ table[(total ^ u32(item)) & 63]
        if total & 1 != 0:
            total ^= {poly:#x}
    return total


def push(value: u64) -> u64:
    """Returns 0, or FULL."""
    global tail
    if tail - head >= RING:
        return FULL
    ring[tail % RING] = value
    tail += 1
    return 0


def pop() -> tuple[u64, bool]:
    global head
    if head == tail:
        return 0, False
    value = ring[head % RING]
    head += 1
    return value, True


def find(key: u64) -> u32:
    at = buckets[(key ^ (key >> {hash_shift})) & 15]
    while at != 0:
        if entries[at].key == key:
            return at
        at = entries[at].next
    return 0


def insert(key: u64, value: u32) -> u64:
    global free_entries
    found = find(key)
    if found != 0:
        entries[found].value = value
        return 0
    if free_entries == 0:
        return FULL
    if not account.charge({charge}):
        return FULL
    taken = free_entries
    free_entries = entries[taken].next
    bucket = (key ^ (key >> {hash_shift})) & 15
    entries[taken].key = key
    entries[taken].value = value
    entries[taken].next = buckets[bucket]
    buckets[bucket] = taken
    return 0


def claim_descriptor(owner: u16, length: u32) -> ptr[Descriptor] | None:
    for i in range(u64(SLOTS)):
        candidate = addr(descriptors[i])
        if candidate.is_free():
            candidate.claim(owner, length)
            return candidate
    return None


def step(event: u32) -> u8:
    global state
    match event & 7:
        case 0:
            state = u8(State.IDLE)
        case 1 | 2:
            if state == State.IDLE:
                state = u8(State.WAITING)
            elif state == State.WAITING:
                state = u8(State.RUNNING)
        case 3:
            state = u8(State.BLOCKED) if state == State.RUNNING else state
        case 4 if state == State.BLOCKED:
            state = u8(State.RUNNING)
        case 5:
            account.state = state
        case _:
            state = u8(State.DEAD)
    return state


def parse(data: span[u8], header: ptr[Header]) -> u64:
    """Checks everything, then fills the header. Returns 0, BAD_REQUEST or NOT_FOUND."""
    if len(data) < 16:
        return BAD_REQUEST
    magic = u32(data[0]) | u32(data[1]) << 8 | u32(data[2]) << 16 | u32(data[3]) << 24
    if magic != {magic:#x} and data[4] > {kinds}:
        return BAD_REQUEST
    length = u16(data[6]) | u16(data[7]) << 8
    if u64(length) > len(data) * {scale}:
        return NOT_FOUND
    tag: u64 = 0
    for i in range(8):
        tag = tag << 8 | u64(data[15 - i])
    header.magic = magic
    header.kind = data[4]
    header.options = data[5] & {options:#x}
    header.length = length
    header.tag = tag
    return 0


def lowest_bits(mask: u64, most: u64) -> u64:
    left, total, seen = mask, u64(0), u64(0)
    while left != 0 and seen < most:
        bit = count_zeros_right(left)
        total = total * {factor} + bit
        left &= left - 1
        seen += 1
    return total


def handle(data: span[u8]) -> u64:
    header: Header = zeroed()
    failed = parse(data, addr(header))
    if failed != 0:
        return failed
    ticket = tickets.fetch_add(1, "relaxed")
    claimed = claim_descriptor(header.length, checksum(data, u32(ticket)))
    if claimed is None:
        return FULL
    failed = push(header.tag)
    if failed != 0:
        claimed.release()
        return failed
    return insert(header.tag, claimed.length)


def run(seed: u64) -> u64:
    prepare()
    packet: array[u8, 24] = zeroed()
    for i in range(24):
        packet[i] = u8(seed >> (u64(i) & 31))
    total = handle(packet[0:24]) + {uses}
    for event in range(u32(seed & 31)):
        total += u64(step(event))
    value, any_left = pop()
    if any_left:
        total += lowest_bits(value, {k} + 3)
    account.refund(total & 3)
    return total
'''
_MAIN = '''"""Calls the services in turn, through a table."""

from collections.abc import Callable
from typing import NoReturn

from compiler.prelude import array, const, export, mem64, panic_handler, u32, u64
{imports}

SERVICES = const({count})
services: array[Callable[[u64], u64], SERVICES] = array(
    (
{services}
    )
)


@panic_handler
def on_panic(message: str, file: str, line: u32) -> NoReturn:
    while True:
        mem64[4096] = u64(line)


@export("_start")
def begin() -> NoReturn:
    while True:
        seed = mem64[8192]
        for i in range(u64(SERVICES)):
            mem64[8192 + 8 * i] = services[i](seed + i)
'''


def write_program(folder: Path, lines: int) -> int:
    """Writes modules below `folder`/program until they have `lines` lines. Returns how many lines there are."""
    home = folder / "program"
    home.mkdir(parents=True, exist_ok=True)
    written = count = 0
    while written < lines:
        text = _module_text(count)
        (home / f"service_{count}.py").write_text(text)
        written += text.count("\n")
        count += 1
    imports = "\n".join(f"from program import service_{k}" for k in range(count))
    services = "\n".join(f"        service_{k}.run," for k in range(count))
    main = _MAIN.format(imports=imports, services=services, count=count)
    (home / "main.py").write_text(main)
    return written + main.count("\n")


def _module_text(k: int) -> str:
    numbers = [(k * 2654435761 + i * 40503 + 12345) % (1 << 32) for i in range(64)]
    earlier = [j for j in (k - 1, k // 2) if 0 <= j < k]
    return _MODULE.format(
        k=k,
        slots=32 + k % 7 * 8,
        ring=16 << k % 3,
        seed=0x1000 + k * 0x111,
        dead=4 + k % 5,
        frame_bits=20 + k % 20,
        frame_mask=(1 << 20 + k % 20) - 1,
        flag=1 << k % 12,
        row=", ".join(map(str, numbers)),
        page=4096 + k % 3 * 4096,
        shift=1 + k % 7,
        poly=0xEDB88320 - k * 0x1003,
        hash_shift=3 + k % 9,
        charge=1 + k % 5,
        magic=0x52494E47 + k,
        kinds=3 + k % 9,
        scale=1 + k % 4,
        options=(0x3F >> k % 4),
        factor=3 + k % 13,
        imports="\n".join(f"from program import service_{j}" for j in dict.fromkeys(earlier)),
        uses=" + ".join(f"u64(service_{j}.find(seed))" for j in dict.fromkeys(earlier)) or "0",
    )
