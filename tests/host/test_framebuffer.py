"""Letters as points in memory: every form of point, padded lines, large letters, nothing outside the cell."""

import ctypes
from pathlib import Path
from typing import Any

import pytest

from compiler.native import load_module
from kernel.core import font

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {"address": 8, "width": 8, "height": 8, "pitch": 8, "bpp": 2, "memory_model": 1}
PARTS = ("red", "green", "blue")
RED, BLACK = (255, 0, 0), (0, 0, 0)

framebuffer: Any = load_module("kernel.core.framebuffer", root=ROOT)


class Screen:
    """A screen in the memory of this process."""

    def __init__(self, width: int, height: int, bits: int, shifts: tuple[int, int, int], sizes: tuple[int, int, int],
                 padding: int = 0, model: int = 1) -> None:
        self.bytes = bits // 8
        self.pitch = width * self.bytes + padding
        self.memory = (ctypes.c_ubyte * (self.pitch * height))(*([0xA5] * (self.pitch * height)))
        masks = [byte for size, shift in zip(sizes, shifts, strict=True) for byte in (size, shift)]
        values = (ctypes.addressof(self.memory), width, height, self.pitch, bits, model)
        packed = b"".join(v.to_bytes(n, "little") for v, n in zip(values, FIELDS.values(), strict=True))
        self.record = bytearray(packed + bytes(masks) + bytes(80 - len(packed) - len(masks)))
        self.is_started = framebuffer.start(self.record)

    def colour(self, red: int, green: int, blue: int) -> int:
        return int(framebuffer.add_colour(self.record, red, green, blue))

    def point(self, x: int, y: int) -> int:
        at = y * self.pitch + x * self.bytes
        return int.from_bytes(bytes(self.memory[at : at + self.bytes]), "little")


@pytest.fixture(autouse=True)
def fresh_module() -> None:
    """The module's data belong to one screen; each test gets its own."""
    global framebuffer
    load_module.cache_clear()
    framebuffer = load_module("kernel.core.framebuffer", root=ROOT)


@pytest.mark.parametrize(
    ("bits", "shifts", "sizes", "red"),
    [
        (32, (16, 8, 0), (8, 8, 8), 0xFF0000),
        (32, (0, 8, 16), (8, 8, 8), 0x0000FF),
        (32, (20, 10, 0), (10, 10, 10), 0xFF << 22),
        (24, (16, 8, 0), (8, 8, 8), 0xFF0000),
        (16, (11, 5, 0), (5, 6, 5), 0xF800),
    ],
)
@pytest.mark.parametrize("padding", [0, 12])
def test_a_letter_in_every_form(
    bits: int, shifts: tuple[int, int, int], sizes: tuple[int, int, int], red: int, padding: int
) -> None:
    screen = Screen(24, 32, bits, shifts, sizes, padding)
    assert screen.is_started
    black, ink = screen.colour(*BLACK), screen.colour(*RED)
    framebuffer.draw(1, 1, ord("R"), ink, black)
    untouched = int.from_bytes(bytes([0xA5]) * (bits // 8), "little")
    for y in range(32):
        for x in range(24):
            if 8 <= x < 16 and y >= 16:
                is_set = int(font.points(ord("R"), y - 16)) >> (15 - x) & 1
                assert screen.point(x, y) == (red if is_set else 0)
            else:
                assert screen.point(x, y) == untouched
        if padding:
            end = y * screen.pitch + 24 * screen.bytes
            assert bytes(screen.memory[end : end + padding]) == bytes([0xA5]) * padding


def test_wide_screens_have_large_letters() -> None:
    screen = Screen(1600, 40, 32, (16, 8, 0), (8, 8, 8))
    black, ink = screen.colour(*BLACK), screen.colour(*RED)
    framebuffer.draw(0, 0, ord("L"), ink, black)
    for y in range(32):
        for x in range(16):
            is_set = int(font.points(ord("L"), y // 2)) >> (7 - x // 2) & 1
            assert (screen.point(x, y) != 0) == bool(is_set)


def test_clearing_leaves_the_padding_alone() -> None:
    screen = Screen(9, 4, 32, (16, 8, 0), (8, 8, 8), padding=8)
    framebuffer.clear(screen.colour(*RED))
    for y in range(4):
        assert all(screen.point(x, y) == 0xFF0000 for x in range(9))
        end = y * screen.pitch + 36
        assert bytes(screen.memory[end : end + 8]) == bytes([0xA5]) * 8


@pytest.mark.parametrize(("bits", "model"), [(8, 1), (15, 1), (32, 0)])
def test_strange_screens_are_left_alone(bits: int, model: int) -> None:
    assert not Screen(8, 8, bits, (16, 8, 0), (8, 8, 8), model=model).is_started
