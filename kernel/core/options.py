"""The kernel's command line: words of the form key=value, separated by spaces.

Pure: tested on the host.
"""
from compiler.prelude import const, ptr, span, struct, u8, u64

_SPACE = const(0x20)
_EQUALS = const(0x3D)
_ZERO = const(0x30)
NO_NUMBER = const(0xFFFF_FFFF_FFFF_FFFF)


@struct
class Word:
    """One word of a command line. Without an equals sign all of it is the key, and there is no value."""
    key: span[u8]
    value: span[u8]
    has_value: bool


def next_word(command_line: span[u8], start: u64, word: ptr[Word]) -> u64:
    """Fills `word` from the first word at or behind `start`. Returns where to go on, 0 when there was none."""
    length = u64(len(command_line))
    begin = start
    while begin < length and command_line[begin] == _SPACE:
        begin += 1
    if begin == length:
        return 0
    end = begin
    equals = length
    while end < length and command_line[end] != _SPACE:
        if command_line[end] == _EQUALS and equals == length:
            equals = end
        end += 1
    word.has_value = equals != length
    word.key = command_line[begin : min(equals, end)]
    word.value = command_line[equals + 1 : end] if word.has_value else command_line[end:end]
    return end


def decimal(text: span[u8]) -> u64:
    """The value of some digits; NO_NUMBER for anything else, or when there are more than nine."""
    if len(text) == 0 or len(text) > 9:
        return NO_NUMBER
    value: u64 = 0
    for character in text:
        if not _ZERO <= character <= _ZERO + 9:
            return NO_NUMBER
        value = value * 10 + u64(character - _ZERO)
    return value


def is_equal(left: span[u8], right: str) -> bool:
    bytes_right = right.encode()
    if len(left) != len(bytes_right):
        return False
    for index in range(len(left)):
        if left[index] != bytes_right[index]:
            return False
    return True
