"""The members of the boot archive as the kernel sees them: the kernel first, then modules, page aligned.

A member named `cmdline` is no module: it is the command line for doors that bring none of their own.
Invariants: module contents lie in executable-and-modules memory, their records in loader-reclaimable memory.
"""
from boot.core.archive import Member, read_member
from boot.core.pages import allocate_bytes, allocate_range
from boot.core.report import fail
from boot.limine.protocol import MEMORY_EXECUTABLE_AND_MODULES, File
from compiler.prelude import addr, array, const, memory_copy, ptr, sizeof, span, u8, u64, zeroed
from kernel.arch.x86_64.pages import PAGE_BYTES

MOST_MODULES = const(64)
DIRECTORY = const(b"/boot/")
CMDLINE_MEMBER = const(b"cmdline")

modules: array[u64, MOST_MODULES] = zeroed()        # addresses of File records, identity mapped
module_count: u64 = 0


def open_kernel(archive: span[u8]) -> span[u8]:
    """The contents of the first member."""
    member: Member = zeroed()
    _read(archive, 0, addr(member))
    if member.is_end:
        fail("boot archive: it is empty; kernel.elf must be its first member")
    return member.content


def find_command_line(archive: span[u8]) -> span[u8]:
    """The contents of the member `cmdline` without the end of line, or an empty span."""
    member: Member = zeroed()
    _read(archive, 0, addr(member))
    while not member.is_end:
        if _equal(member.name, CMDLINE_MEMBER):
            length = u64(len(member.content))
            while length != 0 and member.content[length - 1] <= 32:
                length -= 1
            return member.content[0:length]
        _read(archive, member.next_offset, addr(member))
    return archive[0:0]


def load_modules(archive: span[u8], direct_map: u64) -> None:
    """Copies every member but the first and the command line to pages of its own."""
    global module_count
    member: Member = zeroed()
    _read(archive, 0, addr(member))
    if member.is_end:
        return
    _read(archive, member.next_offset, addr(member))
    while not member.is_end:
        if not _equal(member.name, CMDLINE_MEMBER):
            if module_count == MOST_MODULES:
                fail("boot archive: more than 64 modules")
            modules[module_count] = make_file(member.name, member.content, member.name[0:0], direct_map)
            module_count += 1
        _read(archive, member.next_offset, addr(member))


def make_file(name: span[u8], content: span[u8], string: span[u8], direct_map: u64) -> u64:
    """Copies a file and describes it. Returns the address of its File record."""
    file = ptr[File](allocate_bytes(sizeof(File), 16))
    length = u64(len(content))
    place = allocate_range(max(length, 1), PAGE_BYTES, MEMORY_EXECUTABLE_AND_MODULES)
    if length != 0:
        memory_copy(ptr[u8](place), addr(content[0]), length)
    file.address = place + direct_map
    file.size = length
    file.path = copy_text(DIRECTORY, name) + direct_map
    file.string = copy_text(string, string[0:0]) + direct_map
    return u64(file)


def copy_text(first: span[u8], second: span[u8]) -> u64:
    """The two texts joined and zero-terminated. Returns the address."""
    first_length = u64(len(first))
    place = allocate_bytes(first_length + u64(len(second)) + 1, 1)
    for index in range(first_length):
        ptr[u8](place + index)[0] = first[index]
    for index in range(u64(len(second))):
        ptr[u8](place + first_length + index)[0] = second[index]
    return place


def _read(archive: span[u8], offset: u64, member: ptr[Member]) -> None:
    problem = read_member(archive, offset, member)
    if len(problem) != 0:
        fail(problem)


def _equal(left: span[u8], right: span[u8]) -> bool:
    if u64(len(left)) != u64(len(right)):
        return False
    for index in range(u64(len(left))):
        if left[index] != right[index]:
            return False
    return True
