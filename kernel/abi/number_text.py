"""Numbers as text, the way Python's format() writes them: one code for the kernel's lines and for programs' print.

Pure: tested on the host.
"""
from compiler.format_style import LEFT, PREFIX, UPPER, ZERO_FILL
from compiler.prelude import addr, array, const, ptr, span, u8, u32, u64, zeroed

_ZERO = const(0x30)
_LETTER_TO_DIGIT = const(0x57)          # from a digit's value to "a" for ten
_CAPITAL_TO_DIGIT = const(0x37)
_MINUS = const(0x2D)
_SPACE = const(0x20)
_LETTER_B = const(0x62)
_LETTER_O = const(0x6F)
_LETTER_X = const(0x78)
_CAPITAL_X = const(0x58)
_DIGITS = const(64)                     # of 2^64 - 1 in base 2


def write_number(room: span[u8], magnitude: u64, is_negative: bool, base: u32, width: u32, style: u32) -> u32:
    """Writes a number to the beginning of `room`, as far as that goes; `style` is compiler/format_style.py's.

    Returns how many characters it took.
    """
    digits: array[u8, _DIGITS] = zeroed()
    count = _write_digits(addr(digits[0]), magnitude, u64(base), style & UPPER != 0)
    used = count + u32(is_negative) + (2 if style & PREFIX != 0 else 0)
    fill = width - used if width > used else 0
    end: u32 = 0
    if style & (ZERO_FILL | LEFT) == 0:
        end = _repeat(room, end, _SPACE, fill)
    if is_negative:
        end = _put(room, end, _MINUS)
    if style & PREFIX != 0:
        end = _put(room, end, _ZERO)
        end = _put(room, end, _prefix_letter(base, style))
    if style & ZERO_FILL != 0:
        end = _repeat(room, end, _ZERO, fill)
    while count != 0:
        count -= 1
        end = _put(room, end, digits[count])
    if style & LEFT != 0:
        end = _repeat(room, end, _SPACE, fill)
    return end


def _prefix_letter(base: u32, style: u32) -> u8:
    if base == 16:
        return _CAPITAL_X if style & UPPER != 0 else _LETTER_X
    return _LETTER_B if base == 2 else _LETTER_O


def _write_digits(digits: ptr[u8], value: u64, base: u64, is_upper: bool) -> u32:
    """Writes the lowest digit first. Returns how many there are."""
    letter: u8 = _CAPITAL_TO_DIGIT if is_upper else _LETTER_TO_DIGIT
    count: u32 = 0
    rest = value
    while count == 0 or rest != 0:
        digit = u8(rest % base)
        digits[count] = digit + (_ZERO if digit < 10 else letter)
        rest = rest // base
        count += 1
    return count


def _put(room: span[u8], place: u32, character: u8) -> u32:
    if u64(place) == u64(len(room)):
        return place
    room[place] = character
    return place + 1


def _repeat(room: span[u8], place: u32, character: u8, times: u32) -> u32:
    end = place
    for _ in range(times):
        end = _put(room, end, character)
    return end
