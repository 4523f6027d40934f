"""The full fences of the rings' sleep and wake, looked for in the code: a test need not meet what they prevent."""

import pytest

from compiler.listing import list_image
from tools.guest_test import TEST_KERNEL, build_guest_test
from tools.paths import GUEST_TESTS, ROOT

PROGRAM = "test_rings"
# Where the fence is, and the instruction by which one looks again after it.
CASES = [
    ("kernel", "kernel.complete.latch.post_event", "call"),
    ("kernel", "kernel.complete.receives.equip", "call"),
    ("program", "userspace.lib.ring.Ring.kick", "mov"),
]


def instructions(image: str, function: str) -> list[str]:
    """Those of one function, from its first to its last."""
    build_guest_test(PROGRAM)
    path = TEST_KERNEL.output if image == "kernel" else GUEST_TESTS / PROGRAM / "init.elf"
    found: list[str] = []
    is_inside = False
    for line in list_image(path.read_bytes(), ROOT):
        if line.endswith("of stack"):
            is_inside = line.startswith(f"{function}:")
        elif is_inside:
            found.append(line)
    assert found, f"{path.name} has no function {function}"
    return found


def is_full_fence(line: str) -> bool:
    """x86 lets loads pass earlier stores, but not across these (SDM vol. 3, 9.2.2)."""
    return "mfence" in line or "lock or" in line or "xchg" in line


@pytest.mark.slow
@pytest.mark.parametrize(("image", "function", "after"), CASES)
def test_fence_is_there(image: str, function: str, after: str) -> None:
    lines = instructions(image, function)
    fence = next((number for number, line in enumerate(lines) if is_full_fence(line)), None)
    assert fence is not None, f"no full fence in {function}"
    assert any(after in line for line in lines[fence + 1 :]), f"nothing looks again after the fence of {function}"
