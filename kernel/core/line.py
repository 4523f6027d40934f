"""One line of text, built in place: what does not fit is cut off.

A Line takes f-strings: a parameter `line: fstring[Line]`.
Pure: tested on the host.
"""
from __future__ import annotations

from compiler.format_style import PREFIX
from compiler.prelude import array, const, fstring, span, struct, u8, u32, u64
from kernel.abi.log import LOG_TEXT_BYTES
from kernel.abi.number_text import write_number

_SPACE = const(0x20)
_TILDE = const(0x7E)
_QUESTION_MARK = const(0x3F)


@struct
class Line:
    length: u32 = 0
    characters: array[u8, LOG_TEXT_BYTES]

    def text(self, words: str) -> None:
        for character in words.encode():
            self._append(character)

    def number(self, magnitude: u64, is_negative: bool, base: u32, width: u32, style: u32) -> None:
        """What an f-string does with a value; `style` is made of the bits of compiler/format_style.py."""
        room = self.characters[self.length : LOG_TEXT_BYTES]
        self.length += write_number(room, magnitude, is_negative, base, width, style)

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
