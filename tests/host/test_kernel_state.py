"""The kernel's state machine: every pair of states."""

import importlib
import itertools
from typing import Any

import pytest

from kernel.abi.system import KERNEL_STATES, KernelState

LEGAL = {
    (KernelState.EARLY_BOOT, KernelState.INITIALIZING),
    (KernelState.INITIALIZING, KernelState.RUNNING),
    (KernelState.RUNNING, KernelState.SUSPENDED),
    (KernelState.SUSPENDED, KernelState.RUNNING),
    (KernelState.RUNNING, KernelState.SHUTTING_DOWN),
}
PATHS = {
    KernelState.EARLY_BOOT: [],
    KernelState.INITIALIZING: [KernelState.INITIALIZING],
    KernelState.RUNNING: [KernelState.INITIALIZING, KernelState.RUNNING],
    KernelState.SHUTTING_DOWN: [KernelState.INITIALIZING, KernelState.RUNNING, KernelState.SHUTTING_DOWN],
    KernelState.SUSPENDED: [KernelState.INITIALIZING, KernelState.RUNNING, KernelState.SUSPENDED],
    KernelState.PANIC: [KernelState.PANIC],
}


@pytest.fixture
def state() -> Any:
    """The module as it is when the kernel starts."""
    module = importlib.import_module("kernel.core.state")
    return importlib.reload(module)


@pytest.mark.parametrize(("old", "new"), list(itertools.product(range(KERNEL_STATES), repeat=2)))
def test_only_legal_edges_change_the_state(state: Any, old: int, new: int) -> None:
    for step in PATHS[KernelState(old)]:
        assert state.change(state.current(), step, 1)
    legal = (old, new) in LEGAL or (new == KernelState.PANIC and old != KernelState.PANIC)
    assert bool(state.change(old, new, 77)) == legal
    assert state.current() == (new if legal else old)
    assert (state.entered(new) == 77) == legal


def test_a_change_from_another_state_than_the_present_one_is_refused(state: Any) -> None:
    assert not state.change(KernelState.RUNNING, KernelState.SHUTTING_DOWN, 1)
    assert not state.change(99, KernelState.RUNNING, 1)
    assert not state.change(KernelState.EARLY_BOOT, 99, 1)
    assert state.current() == KernelState.EARLY_BOOT


def test_a_panic_tells_which_state_it_ended(state: Any) -> None:
    assert state.enter_panic() == KernelState.EARLY_BOOT
    assert state.enter_panic() == KernelState.PANIC
