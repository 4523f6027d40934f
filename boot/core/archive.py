"""The boot archive: an USTAR file (POSIX 1003.1-1988) whose first member is the kernel, the modules after it.

Pure: tested on the host. Every number in the archive is checked before it is used.
"""
from boot.core.fields import starts_with
from boot.core.rounding import round_up
from compiler.prelude import addr, const, ptr, span, struct, u8, u64, zeroed

BLOCK_BYTES = const(512)
NAME_BYTES = const(100)
SIZE_OFFSET = const(124)
SIZE_BYTES = const(12)
CHECKSUM_OFFSET = const(148)
CHECKSUM_BYTES = const(8)
KIND_OFFSET = const(156)
MAGIC_OFFSET = const(257)
REGULAR_FILE = const(0x30)              # "0"
SPACE = const(0x20)
DIGIT_0 = const(0x30)
DIGIT_7 = const(0x37)


@struct
class Member:
    name: span[u8]
    content: span[u8]
    next_offset: u64                    # of the header after this member
    is_end: bool


def read_member(archive: span[u8], offset: u64, member: ptr[Member]) -> str:
    """Fills `member` from the header at `offset`. Returns what is wrong, or nothing."""
    member.is_end = False
    if offset + BLOCK_BYTES > u64(len(archive)):
        return "boot archive: it ends without the two empty blocks of a tar file"
    header = archive[offset:offset + BLOCK_BYTES]
    if header[0] == 0:
        member.is_end = True
        return ""
    if not starts_with(header[MAGIC_OFFSET:BLOCK_BYTES], b"ustar"):
        return "boot archive: a member header has no ustar mark; a plain tar file is wanted"
    if _octal(header[CHECKSUM_OFFSET:CHECKSUM_OFFSET + CHECKSUM_BYTES]) != _checksum(header):
        return "boot archive: a member header is damaged (its checksum does not match)"
    if header[KIND_OFFSET] != REGULAR_FILE:
        return "boot archive: a member is not a regular file"
    size = _octal(header[SIZE_OFFSET:SIZE_OFFSET + SIZE_BYTES])
    start = offset + BLOCK_BYTES
    if size > u64(len(archive)) - start:
        return "boot archive: it is cut short inside a member"
    member.name = header[0:_name_length(header)]
    member.content = archive[start:start + size]
    member.next_offset = round_up(start + size, BLOCK_BYTES)
    return ""


def count_members(archive: span[u8]) -> tuple[u64, str]:
    """The number of members, and what is wrong with the archive, or nothing."""
    member: Member = zeroed()
    count: u64 = 0
    offset: u64 = 0
    while True:
        problem = read_member(archive, offset, addr(member))
        if len(problem) != 0 or member.is_end:
            return count, problem
        offset = member.next_offset
        count += 1


def _name_length(header: span[u8]) -> u64:
    length: u64 = 0
    while length < NAME_BYTES and header[length] != 0:
        length += 1
    return length


def _octal(text: span[u8]) -> u64:
    value: u64 = 0
    for digit in text:
        if digit == SPACE and value == 0:
            continue
        if digit < DIGIT_0 or digit > DIGIT_7:
            break
        value = value * 8 + u64(digit - DIGIT_0)
    return value


def _checksum(header: span[u8]) -> u64:
    """The sum of the header's bytes with the checksum field read as spaces."""
    total: u64 = SPACE * CHECKSUM_BYTES
    for index in range(u64(BLOCK_BYTES)):
        if index < CHECKSUM_OFFSET or index >= CHECKSUM_OFFSET + CHECKSUM_BYTES:
            total += u64(header[index])
    return total
