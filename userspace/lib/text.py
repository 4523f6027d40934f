"""Text: lines put together without allocation, and print.

A line that is longer than its buffer is cut off.
"""
from compiler.prelude import addr, array, const, fstring, printer, span, struct, u8, u32, u64, zeroed
from kernel.abi.number_text import write_number
from kernel.abi.syscall import DEBUG_LOG_BYTES
from userspace.lib.syscall import debug_log_bytes

_SPACE = const(0x20)
_NEWLINE = const(0x0A)


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
        room = self.characters[self.length : DEBUG_LOG_BYTES]
        self.length += write_number(room, magnitude, is_negative, base, width, style)


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
