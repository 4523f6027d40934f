"""Text: lines put together without allocation, and print.

A line that is longer than its buffer is cut off.
"""
from compiler.format_style import LEFT, PREFIX, UPPER, ZERO_FILL
from compiler.prelude import addr, array, const, fstring, printer, span, struct, u8, u32, u64, zeroed
from kernel.abi.syscall import DEBUG_LOG_BYTES
from userspace.lib.syscall import debug_log_bytes

_ZERO = const(0x30)
_SPACE = const(0x20)
_MINUS = const(0x2D)
_NEWLINE = const(0x0A)
_LETTER_TO_DIGIT = const(0x57)          # from a digit's value to "a" for ten
_CAPITAL_TO_DIGIT = const(0x37)
_DIGITS = const(64)                     # of 2^64 - 1 in base 2


@struct
class Text:
    length: u32
    characters: array[u8, DEBUG_LOG_BYTES]

    def text(self, words: str) -> None:
        for character in words.encode():
            self.put(character)

    def bytes(self, words: span[u8]) -> None:
        for character in words:
            self.put(character)

    def put(self, character: u8) -> None:
        if self.length < DEBUG_LOG_BYTES:
            self.characters[self.length] = character
            self.length += 1

    def number(self, magnitude: u64, is_negative: bool, base: u32, width: u32, style: u32) -> None:
        """Python's format of an integer; `style` is compiler/format_style.py's."""
        digits: array[u8, _DIGITS] = zeroed()
        count: u32 = 0
        rest = magnitude
        letter: u8 = _CAPITAL_TO_DIGIT if style & UPPER != 0 else _LETTER_TO_DIGIT
        while count == 0 or rest != 0:
            digit = u8(rest % u64(base))
            digits[count] = digit + (_ZERO if digit < 10 else letter)
            rest = rest // u64(base)
            count += 1
        taken = count + u32(is_negative) + (2 if style & PREFIX != 0 else 0)
        fill = width - taken if width > taken else 0
        if style & (ZERO_FILL | LEFT) == 0:
            self._repeat(_SPACE, fill)
        if is_negative:
            self.put(_MINUS)
        if style & PREFIX != 0:
            self.text("0x" if base == 16 else "0b" if base == 2 else "0o")
        if style & ZERO_FILL != 0:
            self._repeat(_ZERO, fill)
        while count != 0:
            count -= 1
            self.put(digits[count])
        if style & LEFT != 0:
            self._repeat(_SPACE, fill)

    def _repeat(self, character: u8, times: u32) -> None:
        for _ in range(times):
            self.put(character)


_line: Text = zeroed()                  # what has been printed since the last newline


@printer
def show(line: fstring[Text], end: str) -> None:
    """What print() does: whole lines go to the log, the rest waits for its newline."""
    for index in range(line.length):
        _print_character(line.characters[index])
    for character in end.encode():
        _print_character(character)


def _print_character(character: u8) -> None:
    if character != _NEWLINE:
        _line.put(character)
        return
    if _line.length == 0:
        _line.put(_SPACE)
    _ = debug_log_bytes(u64(addr(_line.characters)), u64(_line.length))
    _line.length = 0
