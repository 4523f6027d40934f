"""Lines, the command line, the log ring and the symbol table: the kernel's pure code for text."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler import symbol_table
from compiler.format_style import LEFT, PREFIX, UPPER, ZERO_FILL
from compiler.layout import LAYOUTS
from compiler.link import link
from compiler.prelude import addr, u32, u64
from kernel.abi.log import LOG_RECORDS, LOG_TEXT_BYTES, Level, LogRecord
from kernel.core import options, symbols
from kernel.core.line import Line
from kernel.core.log_ring import LogRing, get, put
from tests.compiler.link_objects import assemble
from tests.compiler.test_link_symbols import program


def text_of(line: Line) -> str:
    return bytes(line.written()).decode()


@given(st.integers(0, 2**64 - 1))
def test_numbers_are_python_s(value: int) -> None:
    line = Line()
    line.decimal(u64(value))
    line.text(" ")
    line.hexadecimal(u64(value))
    assert text_of(line) == f"{value} {value:#x}"


@given(
    st.integers(-(2**63), 2**64 - 1), st.sampled_from("bodxX"), st.sampled_from(["", "#"]),
    st.sampled_from(["", "0", "<"]), st.integers(0, 80), st.integers(0, 100),
)  # fmt: skip
def test_formatted_numbers_are_python_s(
    value: int, kind: str, prefix: str, fill: str, width: int, room: int
) -> None:
    """Cut off where the room ends."""
    align = "<" if fill == "<" else ">" if fill == "" else ""
    wanted = format(value, f"{align}{prefix}{'0' if fill == '0' else ''}{width or ''}{kind}")
    style = UPPER if kind == "X" else 0
    style |= (PREFIX if prefix and kind != "d" else 0) | {"": 0, "0": ZERO_FILL, "<": LEFT}[fill]
    base = {"b": 2, "o": 8, "d": 10, "x": 16, "X": 16}[kind]
    line = Line(length=u32(LOG_TEXT_BYTES - room))
    line.number(u64(abs(value)), value < 0, u32(base), u32(width), u32(style))
    assert text_of(line)[LOG_TEXT_BYTES - room :] == wanted[:room]


def test_a_line_cuts_what_does_not_fit() -> None:
    line = Line()
    for _ in range(LOG_TEXT_BYTES):
        line.text("ab")
    assert text_of(line) == "ab" * (LOG_TEXT_BYTES // 2)


def test_untrusted_text_cannot_control_a_terminal() -> None:
    line = Line()
    line.untrusted(b"a\x1b[2J\n\xff~")
    assert text_of(line) == "a?[2J??~"


def words_of(command_line: bytes) -> list[tuple[bytes, bytes, bool]]:
    found = []
    word = options.Word()
    at = options.next_word(command_line, 0, addr(word))
    while at != 0:
        found.append((bytes(word.key), bytes(word.value), bool(word.has_value)))
        at = options.next_word(command_line, at, addr(word))
    return found


@given(st.text("ab= ", max_size=30).map(str.encode))
def test_words_are_python_s(command_line: bytes) -> None:
    wanted = [word.partition(b"=") for word in command_line.split()]
    assert words_of(command_line) == [(key, value, equals == b"=") for key, equals, value in wanted]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"0", 0), (b"12", 12), (b"999999999", 999_999_999),
        (b"1000000000", None), (b"", None), (b"-1", None), (b"1x", None),
    ],
)
def test_decimal_numbers(text: bytes, value: int | None) -> None:
    assert options.decimal(text) == (options.NO_NUMBER if value is None else value)


def test_a_ring_keeps_the_newest_lines() -> None:
    ring = LogRing()
    for number in range(LOG_RECORDS + 5):
        put(addr(ring), Level.INFO, number, f"line {number}".encode())
    record = LogRecord()
    assert not get(addr(ring), 4, addr(record))
    assert not get(addr(ring), LOG_RECORDS + 5, addr(record))
    for number in range(5, LOG_RECORDS + 5):
        assert get(addr(ring), number, addr(record))
        assert (record.time_ns, bytes(record.text[0 : record.length])) == (number, f"line {number}".encode())


def test_a_line_that_is_being_written_is_not_read() -> None:
    ring = LogRing()
    put(addr(ring), Level.INFO, 1, b"one")
    ring.slots[0].stamp.store(0)
    assert not get(addr(ring), 0, addr(LogRecord()))


def test_addresses_are_found_as_the_compiler_finds_them() -> None:
    image = link([assemble(program(40))], LAYOUTS["kernel"], "stub")
    table = symbol_table.symbol_table_blob(image)
    base = LAYOUTS["kernel"].base
    found = 0
    for address in range(base, base + 0x4000, 3):
        place = symbols.Place()
        wanted = symbol_table.look_up(table, address)
        assert bool(symbols.look_up(table, u64(address), addr(place))) == (wanted is not None)
        if wanted is not None:
            found += 1
            name = ".".join(filter(None, (bytes(place.module).decode(), bytes(place.function).decode())))
            seen = symbol_table.Place(name, int(place.offset), bytes(place.file).decode(), int(place.line))
            assert seen == wanted
    assert found > 100


@given(st.binary(max_size=64), st.integers(0, 2**64 - 1))
def test_a_damaged_table_is_noticed(content: bytes, address: int) -> None:
    table = b"RBLS" + content
    with contextlib.suppress(IndexError, AssertionError):
        symbols.look_up(table, u64(address), addr(symbols.Place()))
