"""One line of text, built in place: what does not fit is cut off.

Pure: tested on the host.
"""
from compiler.prelude import array, const, span, struct, u8, u32, u64, zeroed
from kernel.config import LOG_LINE_BYTES

_ZERO = const(0x30)
_LETTER_A = const(0x61)
_SPACE = const(0x20)
_TILDE = const(0x7E)
_QUESTION_MARK = const(0x3F)
_DIGITS = const(20)                     # of 2^64 - 1


@struct
class Line:
    length: u32 = 0
    characters: array[u8, LOG_LINE_BYTES]

    def text(self, words: str) -> None:
        for character in words.encode():
            self._append(character)

    def untrusted(self, words: span[u8]) -> None:
        """Text that a user or a loader wrote: anything but printable ASCII becomes a question mark."""
        for character in words:
            self._append(character if _SPACE <= character <= _TILDE else _QUESTION_MARK)

    def decimal(self, value: u64) -> None:
        digits: array[u8, _DIGITS] = zeroed()
        count: u64 = 0
        rest = value
        while count == 0 or rest != 0:
            digits[count] = u8(rest % 10) + _ZERO
            rest = rest // 10
            count += 1
        while count != 0:
            count -= 1
            self._append(digits[count])

    def hexadecimal(self, value: u64) -> None:
        """With the prefix 0x and without leading zeros."""
        self.text("0x")
        shift: u64 = 60
        while shift != 0 and value >> shift == 0:
            shift -= 4
        while True:
            digit = u8(value >> shift) & 15
            self._append(digit + _ZERO if digit < 10 else digit - 10 + _LETTER_A)
            if shift == 0:
                break
            shift -= 4

    def _append(self, character: u8) -> None:
        if self.length < LOG_LINE_BYTES:
            self.characters[self.length] = character
            self.length += 1
