"""Channels in shared memory, as native code: order, limits, and what a hostile or dead other side leaves behind."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from compiler.native import load_module
from userspace.lib.channels.outcome import Outcome
from userspace.lib.channels.queue import MOST_CELLS
from userspace.lib.channels.stream import STREAM_BYTES

ROOT = Path(__file__).resolve().parents[2]
HUGE = (1 << 64) - 1
FREE, FULL, STATES = 0, 1, 128


@functools.cache
def cases() -> Any:
    return load_module("tests.host.explore.channel_cases", root=ROOT)


def test_streams_keep_the_order() -> None:
    assert cases().stream_keeps_order(100_000)


@pytest.mark.parametrize(
    ("written", "read", "wrote", "found"),
    [
        (10, 10, Outcome.DONE, Outcome.WOULD_BLOCK),
        (12, 10, Outcome.DONE, Outcome.DONE),
        (9, 11, Outcome.BROKEN, Outcome.BROKEN),
        (10 + STREAM_BYTES + 1, 10, Outcome.DONE, Outcome.BROKEN),
        (HUGE, 1, Outcome.DONE, Outcome.BROKEN),
        (0, 1 << 63, Outcome.BROKEN, Outcome.BROKEN),
    ],
)
def test_streams_check_positions(written: int, read: int, wrote: Outcome, found: Outcome) -> None:
    assert cases().stream_after(written, read) == (wrote, found)


def test_queues_have_room_for_some() -> None:
    assert [bool(cases().queue_can_have(n)) for n in (0, 1, MOST_CELLS, MOST_CELLS + 1, HUGE)] == [
        False, True, True, False, False,
    ]  # fmt: skip


def test_a_queue_of_one_alternates() -> None:
    assert cases().queue_of_one_alternates(1000)


def test_a_dead_sender_is_skipped() -> None:
    assert cases().queue_skips_the_dead()


@pytest.mark.parametrize(
    ("turn", "tail", "sent", "found"),
    [
        (FREE, 0, Outcome.DONE, Outcome.WOULD_BLOCK),
        (FULL, 1, Outcome.DONE, Outcome.DONE),
        (7 * STATES + FULL, 0, Outcome.BROKEN, Outcome.BROKEN),
        (100, 0, Outcome.DONE, Outcome.BROKEN),
        (HUGE, 4, Outcome.BROKEN, Outcome.BROKEN),
        (FREE, HUGE, Outcome.BROKEN, Outcome.WOULD_BLOCK),
    ],
)
def test_queues_check_their_cells(turn: int, tail: int, sent: Outcome, found: Outcome) -> None:
    assert cases().queue_after(turn, tail) == (sent, found)


def test_one_shots() -> None:
    assert cases().oneshot_is_used_up()
    assert cases().oneshot_is_dropped()
    assert cases().oneshot_outlives_its_sender()
