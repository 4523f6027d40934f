"""The keyboard's codes as bytes of a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from compiler.prelude import u8
from userspace.servers.keyboard.scan_codes import Keyboard

SHIFT, CONTROL, RELEASE, EXTENDED = 0x2A, 0x1D, 0x80, 0xE0
A, C, ONE, ENTER, BACKSPACE, TAB = 0x1E, 0x2E, 0x02, 0x1C, 0x0E, 0x0F
HOME, UP, LEFT, RIGHT, END, DOWN, DELETE, INSERT = 0x47, 0x48, 0x4B, 0x4D, 0x4F, 0x50, 0x53, 0x52


def typed(*codes: int) -> bytes:
    keyboard = Keyboard()
    return b"".join(bytes(int(key) for key in keyboard.feed(u8(code))) for code in codes)


def test_letters_and_signs() -> None:
    assert typed(A, A | RELEASE, ONE, ONE | RELEASE) == b"a1"
    assert typed(SHIFT, A, ONE, SHIFT | RELEASE, A) == b"A!a"
    assert typed(ENTER, BACKSPACE, TAB) == b"\r\x7f\t"


def test_control() -> None:
    assert typed(CONTROL, C, CONTROL | RELEASE, C) == b"\x03c"
    assert typed(EXTENDED, CONTROL, C, EXTENDED, CONTROL | RELEASE, C) == b"\x03c"
    assert typed(CONTROL, ONE) == b""


def test_arrows() -> None:
    assert typed(EXTENDED, UP, EXTENDED, UP | RELEASE, EXTENDED, DOWN) == b"\x1b[A\x1b[B"
    assert typed(EXTENDED, LEFT, EXTENDED, RIGHT, EXTENDED, HOME, EXTENDED, END) == b"\x1b[D\x1b[C\x1b[H\x1b[F"
    assert typed(CONTROL, EXTENDED, LEFT, EXTENDED, RIGHT) == b"\x1b[1;5D\x1b[1;5C"
    assert typed(EXTENDED, DELETE) == b"\x1b[3~"
    assert typed(EXTENDED, INSERT) == b""
    assert typed(EXTENDED, SHIFT, A) == b"a"


@given(st.lists(st.integers(0, 255)))
def test_takes_any_codes(codes: list[int]) -> None:
    assert b"\0" not in typed(*codes)
