"""What stands on the screen, and what becomes of it when somebody else draws there."""

import ctypes
from pathlib import Path
from typing import Any

import pytest

from compiler.native import load_module
from kernel.abi.log import Level

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, POINT_BYTES = 320, 96, 4
JUNK = 0x5A

screen: Any = None
memory = (ctypes.c_ubyte * (WIDTH * HEIGHT * POINT_BYTES))()


@pytest.fixture(autouse=True)
def fresh_screen() -> None:
    """Six rows of forty letters, in the form of boot/limine/protocol.py."""
    global screen
    load_module.cache_clear()
    screen = load_module("kernel.core.screen", root=ROOT)
    values = (ctypes.addressof(memory), WIDTH, HEIGHT, WIDTH * POINT_BYTES)
    form = b"".join(value.to_bytes(8, "little") for value in values) + (32).to_bytes(2, "little")
    form += bytes((1, 8, 16, 8, 8, 8, 0))
    assert screen.start(bytearray(form + bytes(80 - len(form))))


def write_some() -> None:
    screen.write_line(Level.INFO, b"one")
    screen.write_line(Level.ERROR, b"two " * 12)
    screen.write_text(b"prompt> ")


def spoil() -> None:
    ctypes.memset(memory, JUNK, len(memory))


def test_it_is_drawn_again_as_it_was() -> None:
    write_some()
    before = bytes(memory)
    spoil()
    screen.draw_again()
    assert bytes(memory) == before
    screen.write_text(b"more")
    after = bytes(memory)
    spoil()
    screen.draw_again()
    assert bytes(memory) == after != before


def test_a_cleared_screen_begins_at_its_top() -> None:
    screen.write_line(Level.INFO, b"first")
    wanted = bytes(memory)
    for _ in range(9):
        write_some()
    spoil()
    screen.clear()
    assert not any(memory[at] for at in range(len(memory)) if at % POINT_BYTES != 3)
    screen.write_line(Level.INFO, b"first")
    assert bytes(memory) == wanted
