"""The kernel's command line: words of the form key=value.

Pure: tested on the host.
"""
from compiler.prelude import const, span, u8, u64

_SPACE = const(0x20)
_EQUALS = const(0x3D)


def has_option(command_line: span[u8], key: str, value: str) -> bool:
    """Whether the last word `key=...` has this value."""
    found = False
    start: u64 = 0
    end: u64 = 0
    length = u64(len(command_line))
    while start < length:
        end = start
        while end < length and command_line[end] != _SPACE:
            end += 1
        word = command_line[start:end]
        key_bytes = u64(len(key))
        if u64(len(word)) > key_bytes and word[key_bytes] == _EQUALS and is_equal(word[0:key_bytes], key):
            found = is_equal(word[key_bytes + 1 : u64(len(word))], value)
        start = end + 1
    return found


def is_equal(left: span[u8], right: str) -> bool:
    bytes_right = right.encode()
    if len(left) != len(bytes_right):
        return False
    for index in range(len(left)):
        if left[index] != bytes_right[index]:
            return False
    return True
