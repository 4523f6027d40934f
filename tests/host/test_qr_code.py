"""The QR code of a panic report, read back."""


import pytest

from kernel.core import qr_code
from tests.host.qr_reader import SIZE, read


def matrix(text: bytes) -> list[list[bool]]:
    qr_code.encode(text)
    return [[int(qr_code.modules[row * SIZE + column]) & 1 == 1 for column in range(SIZE)] for row in range(SIZE)]


@pytest.mark.slow
@pytest.mark.parametrize("text", [b"", b"panic: one is two\n  at main.py:1\n", bytes(range(256)) * 4, b"x" * 1273])
def test_a_text_is_read_back(text: bytes) -> None:
    assert read(matrix(text)) == text


def test_what_is_too_long_is_cut() -> None:
    text = b"0123456789" * 200
    assert read(matrix(text)) == text[:1273]


def test_damage_is_noticed() -> None:
    dark = matrix(b"hello")
    dark[50][50] = not dark[50][50]
    with pytest.raises(ValueError, match="checks"):
        read(dark)
