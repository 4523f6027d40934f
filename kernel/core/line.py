"""One line of text, built in place: what does not fit is cut off.

A Line takes f-strings: a parameter `line: fstring[Line]`.
Pure: tested on the host.
"""
from __future__ import annotations

from compiler.format_style import LEFT, PREFIX, UPPER, ZERO_FILL
from compiler.prelude import addr, array, const, fstring, ptr, span, struct, u8, u32, u64, zeroed
from kernel.abi.log import LOG_TEXT_BYTES

_ZERO = const(0x30)
_LETTER_A = const(0x61)
_CAPITAL_A = const(0x41)
_MINUS = const(0x2D)
_SPACE = const(0x20)
_TILDE = const(0x7E)
_QUESTION_MARK = const(0x3F)
_DIGITS = const(64)                     # of 2^64 - 1 in base 2


@struct
class Line:
    length: u32 = 0
    characters: array[u8, LOG_TEXT_BYTES]

    def text(self, words: str) -> None:
        for character in words.encode():
            self._append(character)

    def number(self, magnitude: u64, is_negative: bool, base: u32, width: u32, style: u32) -> None:
        """What an f-string does with a value; `style` is made of the bits of compiler/format_style.py."""
        digits: array[u8, _DIGITS] = zeroed()
        count = _write_digits(addr(digits[0]), magnitude, u64(base), style & UPPER != 0)
        used = u32(count) + u32(is_negative) + (2 if style & PREFIX != 0 else 0)
        fill = width - used if width > used else 0
        if style & (ZERO_FILL | LEFT) == 0:
            self._repeat(_SPACE, fill)
        if is_negative:
            self._append(_MINUS)
        if style & PREFIX != 0:
            self.text("0x" if base == 16 else "0b" if base == 2 else "0o")
        if style & ZERO_FILL != 0:
            self._repeat(_ZERO, fill)
        while count != 0:
            count -= 1
            self._append(digits[count])
        if style & LEFT != 0:
            self._repeat(_SPACE, fill)

    def untrusted(self, words: span[u8]) -> None:
        """Text that a user or a loader wrote: anything but printable ASCII becomes a question mark."""
        for character in words:
            self._append(character if _SPACE <= character <= _TILDE else _QUESTION_MARK)

    def decimal(self, value: u64) -> None:
        self.number(value, False, 10, 0, 0)

    def hexadecimal(self, value: u64) -> None:
        """With the prefix 0x and without leading zeros."""
        self.number(value, False, 16, 0, PREFIX)

    def add(self, line: fstring[Line]) -> None:
        """More text, which may be an f-string."""
        for character in line.written():
            self._append(character)

    def written(self) -> span[u8]:
        return self.characters[0 : self.length]

    def _append(self, character: u8) -> None:
        if self.length < LOG_TEXT_BYTES:
            self.characters[self.length] = character
            self.length += 1

    def _repeat(self, character: u8, times: u32) -> None:
        for _ in range(times):
            self._append(character)


def _write_digits(digits: ptr[u8], value: u64, base: u64, is_upper: bool) -> u64:
    """Writes the lowest digit first. Returns how many there are."""
    letters: u8 = _CAPITAL_A if is_upper else _LETTER_A
    count: u64 = 0
    rest = value
    while count == 0 or rest != 0:
        digit = u8(rest % base)
        digits[count] = digit + _ZERO if digit < 10 else digit - 10 + letters
        rest = rest // base
        count += 1
    return count
