"""The protocol by which a guest test tells how it went, line by line, on the kernel's console.

A case begins with begin(); what check() is told until the next one belongs to it. A case fails once, at its first
failed check.
"""
from typing import NoReturn

from compiler.prelude import addr, array, const, struct, u8, u32, u64
from userspace.lib.start_info import has_argument
from userspace.lib.syscall import debug_log_bytes, exit_process

_LINE_BYTES = const(200)
_ZERO = const(0x30)
_DIGITS = const(20)


@struct
class Text:
    length: u32 = 0
    characters: array[u8, _LINE_BYTES]

    def text(self, words: str) -> None:
        for character in words.encode():
            if self.length < _LINE_BYTES:
                self.characters[self.length] = character
                self.length += 1

    def number(self, value: u64) -> None:
        digits: array[u8, _DIGITS] = array(0 for _ in range(_DIGITS))
        count: u64 = 0
        rest = value
        while count == 0 or rest != 0:
            digits[count] = u8(rest % 10) + _ZERO
            rest = rest // 10
            count += 1
        while count != 0:
            count -= 1
            if self.length < _LINE_BYTES:
                self.characters[self.length] = digits[count]
                self.length += 1

    def say(self) -> None:
        _ = debug_log_bytes(u64(addr(self.characters)), u64(self.length))


_case: str = ""
_has_failed: bool = False
_passed: u64 = 0
_failed: u64 = 0


def rounds(some: u64, all_of_them: u64) -> u64:
    """How often to repeat what gets more certain by repetition; the whole number on a kernel with `test.full`."""
    return all_of_them if has_argument("test.full") else some


def plan(cases: u64) -> None:
    line = Text()
    line.text("test: plan ")
    line.number(cases)
    line.say()


def begin(case: str) -> None:
    global _case, _has_failed
    _finish_case()
    _case = case
    _has_failed = False


def check(is_right: bool, what: str) -> None:
    check_equal(u64(is_right), 1, what)


def check_equal(found: u64, expected: u64, what: str) -> None:
    check_numbered(found, expected, what, 0)


def check_numbered(found: u64, expected: u64, what: str, number: u64) -> None:
    """`number` tells which of many like cases it was."""
    global _has_failed, _failed
    if found == expected or _has_failed:
        return
    _has_failed = True
    _failed += 1
    line = Text()
    line.text("test: fail ")
    line.text(_case)
    line.text(": ")
    line.text(what)
    line.text(" ")
    line.number(number)
    line.text(": found ")
    line.number(found)
    line.text(", expected ")
    line.number(expected)
    line.say()


def end() -> NoReturn:
    _finish_case()
    line = Text()
    line.text("test: end passed=")
    line.number(_passed)
    line.text(" failed=")
    line.number(_failed)
    line.say()
    exit_process(0 if _failed == 0 else u64(1))


def _finish_case() -> None:
    global _passed
    if len(_case) == 0 or _has_failed:
        return
    _passed += 1
    line = Text()
    line.text("test: ok ")
    line.text(_case)
    line.say()
