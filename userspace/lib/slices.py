"""Methods of bytes and str as Python names them: those that look at a slice, or give a part of it.

Nothing is copied: what strip() and its like give lies in the text that they were asked about. Letters are ASCII's.
"""
from compiler.prelude import const, i64, slice_method, span, u8, u64

_SPACE = const(0x20)
_FIRST_CONTROL_SPACE = const(0x09)      # tab, newline, vertical tab, form feed, return
_LAST_CONTROL_SPACE = const(0x0D)


@slice_method
def is_equal(text: span[u8], other: span[u8]) -> bool:
    """What == means."""
    return len(text) == len(other) and startswith(text, other)


@slice_method
def startswith(text: span[u8], prefix: span[u8]) -> bool:
    return len(prefix) <= len(text) and _matches(text, 0, prefix)


@slice_method
def endswith(text: span[u8], suffix: span[u8]) -> bool:
    return len(suffix) <= len(text) and _matches(text, len(text) - len(suffix), suffix)


@slice_method
def find(text: span[u8], part: span[u8]) -> i64:
    if len(part) <= len(text):
        for at in range(len(text) - len(part) + 1):
            if _matches(text, at, part):
                return i64(at)
    return -1


@slice_method
def rfind(text: span[u8], part: span[u8]) -> i64:
    if len(part) <= len(text):
        for before in range(len(text) - len(part) + 1):
            at = len(text) - len(part) - before
            if _matches(text, at, part):
                return i64(at)
    return -1


@slice_method
def count(text: span[u8], part: span[u8]) -> u64:
    """How often it is there, not overlapping."""
    found: u64 = 0
    at: u64 = 0
    while len(part) != 0 and at + len(part) <= len(text):
        if _matches(text, at, part):
            found += 1
            at += len(part)
        else:
            at += 1
    return found if len(part) != 0 else len(text) + 1


@slice_method
def lstrip(text: span[u8]) -> span[u8]:
    at: u64 = 0
    while at < len(text) and _is_space(text[at]):
        at += 1
    return text[at:]


@slice_method
def rstrip(text: span[u8]) -> span[u8]:
    end = u64(len(text))
    while end != 0 and _is_space(text[end - 1]):
        end -= 1
    return text[:end]


@slice_method
def strip(text: span[u8]) -> span[u8]:
    return rstrip(lstrip(text))


@slice_method
def removeprefix(text: span[u8], prefix: span[u8]) -> span[u8]:
    return text[len(prefix) :] if startswith(text, prefix) else text


@slice_method
def removesuffix(text: span[u8], suffix: span[u8]) -> span[u8]:
    return text[: len(text) - len(suffix)] if endswith(text, suffix) else text


@slice_method
def isdigit(text: span[u8]) -> bool:
    for character in text:
        if not _is_digit(character):
            return False
    return len(text) != 0


@slice_method
def isalpha(text: span[u8]) -> bool:
    for character in text:
        if not _is_letter(character):
            return False
    return len(text) != 0


@slice_method
def isalnum(text: span[u8]) -> bool:
    for character in text:
        if not _is_letter(character) and not _is_digit(character):
            return False
    return len(text) != 0


@slice_method
def isspace(text: span[u8]) -> bool:
    for character in text:
        if not _is_space(character):
            return False
    return len(text) != 0


def _matches(text: span[u8], at: u64, part: span[u8]) -> bool:
    for index in range(len(part)):
        if text[at + index] != part[index]:
            return False
    return True


def _is_space(character: u8) -> bool:
    return character == _SPACE or _FIRST_CONTROL_SPACE <= character <= _LAST_CONTROL_SPACE


def _is_digit(character: u8) -> bool:
    return b"0"[0] <= character <= b"9"[0]


def _is_letter(character: u8) -> bool:
    return b"a"[0] <= character <= b"z"[0] or b"A"[0] <= character <= b"Z"[0]
