"""Orders of atomic accesses: schedules of a few tasks on the native code of kernel/caps, the kernel's rings and
userspace/lib/channels.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from compiler.native import NativeModule, NativeTrap, load_module

ROOT = Path(__file__).resolve().parents[2]
EXPLORER = "tests.host.explore.explorer.switch_point"
SCHEDULES = 1_000_000
SCHEDULES_LONG = 20_000_000             # of each


@functools.cache
def scenarios(name: str) -> NativeModule:
    # A debug kernel checks what locks a CPU holds; here several tasks share one.
    profile = "release" if name.startswith("ring_") else "debug"
    return load_module(f"tests.host.explore.{name}", profile=profile, before_atomic=EXPLORER, root=ROOT)


def explore(module: str, scenario: str, most: int) -> tuple[int, bool]:
    function: Any = getattr(scenarios(module), scenario)
    schedules, is_right = function(most)
    return schedules, is_right


def is_caught(module: str, scenario: str) -> bool:
    """Whether some schedule breaks a promise or runs into an assertion of the code."""
    try:
        _, is_right = explore(module, scenario, SCHEDULES)
    except NativeTrap:
        return True
    return not is_right


RIGHT = [
    ("references", "explore_references"),
    ("lookups", "explore_lookup"),
    ("lookups", "explore_two_lookups"),
    ("lookups", "explore_close_against_close"),
    ("lookups", "explore_find"),
    ("lookups", "explore_free_slots"),
    ("leases", "explore_lease"),
    ("operations", "explore_begin_and_close"),
    ("operations", "explore_take_and_put_back"),
    ("channels", "explore_queue"),
    ("channels", "explore_queue_of_one"),
    ("ring_events", "explore_polling"),
    ("ring_events", "explore_waiting"),
    ("ring_ends", "explore_ends"),
    ("ring_ends", "explore_ends_and_close"),
    ("ring_places", "explore_places"),
]
WRONG = [
    ("references", "explore_unconditional_take"),
    ("references", "explore_unguarded_take"),
    ("lookups", "explore_single_look"),
    ("lookups", "explore_close_in_two_steps"),
    ("lookups", "explore_untagged_list"),
    ("leases", "explore_single_look"),
    ("operations", "explore_single_look"),
    ("operations", "explore_count_first"),
    ("operations", "explore_take_and_fill"),
    ("channels", "explore_stream_without_last_look"),
    ("channels", "explore_queue_without_last_look"),
    ("channels", "explore_oneshot_in_two_steps"),
    ("ring_events", "explore_without_kick"),
    ("ring_events", "explore_without_second_look"),
    ("ring_events", "explore_careless_wait"),
    ("ring_events", "explore_fold_without_lock"),
    ("ring_ends", "explore_claim_in_two_steps"),
    ("ring_ends", "explore_claim_of_any"),
    ("ring_ends", "explore_cancel_without_wait"),
    ("ring_ends", "explore_visible_before_free"),
    ("ring_places", "explore_early_room"),
    ("ring_places", "explore_head_without_renewal"),
]


@pytest.mark.parametrize(("module", "scenario"), RIGHT)
def test_every_schedule_goes_right(module: str, scenario: str) -> None:
    schedules, is_right = explore(module, scenario, SCHEDULES)
    assert is_right
    assert schedules == SCHEDULES


@pytest.mark.parametrize("scenario", ["explore_stream", "explore_oneshot"])
def test_every_schedule_that_there_is_goes_right(scenario: str) -> None:
    schedules, is_right = explore("channels", scenario, SCHEDULES)
    assert is_right
    assert 100 < schedules < SCHEDULES


@pytest.mark.long
@pytest.mark.parametrize(("module", "scenario"), RIGHT)
def test_many_more_schedules_go_right(module: str, scenario: str) -> None:
    schedules, is_right = explore(module, scenario, SCHEDULES_LONG)
    assert is_right
    assert schedules == SCHEDULES_LONG


@pytest.mark.parametrize(("module", "scenario"), WRONG)
def test_unsafe_variant_is_caught(module: str, scenario: str) -> None:
    assert is_caught(module, scenario)
