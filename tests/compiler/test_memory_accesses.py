"""Each access to atomic or volatile memory in a source is one access in the IR, before and after optimising."""

from __future__ import annotations

import re

import pytest

from compiler.driver import Build

SOURCE = """
from compiler.prelude import atomic, const, export, fence, mem8, mem32, ptr, struct, u8, u32, u64, volatile, zeroed

@struct
class Device:
    status: volatile[u32]
    data: volatile[u8]
    count: atomic[u64]

device: Device = zeroed()

@export
def volatile_twice() -> u32:
    return device.status + device.status

@export
def volatile_unused(p: ptr[Device]) -> None:
    _ = p.status
    p.data = 1
    p.data = 1

@export
def volatile_update(p: ptr[Device]) -> None:
    p.status += 1

@export
def volatile_in_loop(p: ptr[Device]) -> None:
    while p.status & 1 == 0:
        pass

@export
def memory(a: u64) -> u32:
    mem8[a] = 3
    return mem32[a] + mem32[a]

@export
def atomic_operations(p: ptr[Device]) -> u64:
    p.count.store(1, "release")
    a = p.count.load("acquire")
    b = p.count.fetch_add(2, "relaxed")
    c = p.count.exchange(7, "acq_rel")
    d, swapped = p.count.compare_exchange(1, 2, "seq_cst")
    if p.count.cas(3, 4, "acquire"):
        return a
    fence("seq_cst")
    return b + c + d + u64(swapped)
"""
ACCESSES = {
    "volatile_twice": {"load volatile i32": 2},
    "volatile_unused": {"load volatile i32": 1, "store volatile i8": 2},
    "volatile_update": {"load volatile i32": 1, "store volatile i32": 1},
    "volatile_in_loop": {"load volatile i32": 1},
    "memory": {"store volatile i8": 1, "load volatile i32": 2},
    "atomic_operations": {
        "store atomic i64": 1,
        "load atomic i64": 1,
        "atomicrmw add": 1,
        "atomicrmw xchg": 1,
        "cmpxchg": 2,
        "fence seq_cst": 1,
    },
}
PATTERN = re.compile(
    r"load volatile \w+|store volatile \w+|load atomic \w+|store atomic \w+|atomicrmw \w+|cmpxchg|fence \w+"
)


def accesses(ir: str, function: str) -> dict[str, int]:
    body = re.search(rf'^define [^\n]*@"?{function}"?\(.*?^}}', ir, flags=re.MULTILINE | re.DOTALL)
    assert body is not None, f"{function} is not in the IR"
    found: dict[str, int] = {}
    for access in PATTERN.findall(body[0]):
        found[access] = found.get(access, 0) + 1
    return found


@pytest.fixture(scope="module", params=["as emitted", "optimised"])
def ir(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("accesses")
    (folder / "accesses.py").write_text(SOURCE)
    job = Build(folder, "accesses", "host", opt=2, cached=False)
    return job.ir() if request.param == "as emitted" else job.object("ir").decode()


@pytest.mark.parametrize("function", ACCESSES)
def test_each_access_once(ir: str, function: str) -> None:
    assert accesses(ir, function) == ACCESSES[function]
