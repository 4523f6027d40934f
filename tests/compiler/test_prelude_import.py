"""Sources under CPython through the import hook: the same results and the same traps as compiled."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from compiler import host_import
from compiler.native import NativeModule, NativeTrap, load_module
from compiler.prelude import host_memory, profile
from compiler.prelude.integers import u8, u32, u64
from compiler.prelude.traps import HostMemoryError, LanguageError, Trap

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = [0, 1, 2, 3, 5, 63, 64, 1000]
FUNCTIONS = [
    "literals_take_widths", "wraps", "takes_address", "lists", "fields", "unions", "passes_bytes", "tuples", "tables",
    "counts", "floors", "traps",
]  # fmt: skip


@pytest.fixture(scope="module")
def host() -> ModuleType:
    return host_import.load_file(ROOT / "tests/compiler/run/host_meaning.py", "host_meaning")


@pytest.fixture(scope="module", params=[0, 2], ids=["O0", "O2"])
def native(request: pytest.FixtureRequest) -> NativeModule:
    return load_module("tests.compiler.run.host_meaning", profile="debug", opt=request.param, root=ROOT)


def outcome(function: Any, number: int) -> str:
    """What a call gives, or the kind of its trap."""
    try:
        return str(int(function(number)))
    except Trap as trap:
        return trap.kind
    except NativeTrap as trap:
        return native_kind(trap.message)


def native_kind(message: str) -> str:
    words = {"overflow": "overflow", "division": "division", "index": "bounds", "assertion": "assertion"}
    return next((kind for word, kind in words.items() if word in message), message)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_and_host_agree(host: ModuleType, native: NativeModule, name: str) -> None:
    assert [outcome(getattr(host, name), n) for n in NUMBERS] == [outcome(getattr(native, name), n) for n in NUMBERS]


@pytest.mark.parametrize("name", ["wraps", "floors", "traps", "takes_address"])
def test_compiled_and_host_agree_in_release(host: ModuleType, name: str) -> None:
    released = load_module("tests.compiler.run.host_meaning", profile="release", root=ROOT)
    with profile.built_as("release"):
        assert [outcome(getattr(host, name), n) for n in NUMBERS] == [
            outcome(getattr(released, name), n) for n in NUMBERS
        ]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Any]:
    """Imports a text as a source."""
    made: list[str] = []

    def load(text: str) -> Any:
        name = f"source_{len(made)}"
        path = tmp_path / f"{name}.py"
        path.write_text("from compiler.prelude import addr, array, ptr, span, struct, u8, u32, u64, zeroed\n" + text)
        made.append(name)
        return host_import.load_file(path, name)

    yield load
    for name in made:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("x: u32 = u64(5)", "u32 and u64 do not mix"),
        ("x: u8 = 300", "literal 300 does not fit u8"),
        ("x: u8 = 3\n    x = 300", "literal 300 does not fit u8"),
        ("takes(u64(1))", "u32 and u64 do not mix"),
        ("takes(-1)", "literal -1 does not fit u32"),
        ("if takes(1):\n        pass", "a condition is a bool"),
        ("x: bool = 1", "a bool is True or False"),
        ("x: array[u8, 2] = array(1, 2, 3)", "has 2 elements, not 3"),
        ("x: ptr[u8] = None", "never None"),
    ],
)
def test_breaking_a_rule_is_an_error(source: Any, statement: str, message: str) -> None:
    module = source(f"def takes(a: u32) -> u32:\n    return a\n\n\ndef run() -> None:\n    {statement}\n")
    with pytest.raises(LanguageError, match=message):
        module.run()


def test_a_result_takes_its_declared_type(source: Any) -> None:
    module = source("def narrow() -> u8:\n    return 7\n\n\ndef pair() -> tuple[u8, bool]:\n    return 300, True\n")
    assert type(module.narrow()) is u8
    with pytest.raises(LanguageError, match="literal 300 does not fit u8"):
        module.pair()


def test_a_trap_names_the_line_of_the_source(source: Any) -> None:
    module = source("\n\ndef run(n: u32) -> u32:\n    assert n > 5, 'small'\n    return n\n")
    with pytest.raises(Trap, match="small") as caught:
        module.run(3)
    assert caught.traceback[-1].lineno + 1 == 5


def test_data_of_another_module_are_read_where_they_live(source: Any) -> None:
    home = source("count: u64 = 1\n\n\ndef bump() -> None:\n    global count\n    count += 1\n")
    user = source(
        "from source_0 import bump, count\nimport source_0 as home\n\n\n"
        "def run() -> u64:\n    bump()\n    p = addr(count)\n    p[0] = p[0] * 10\n    home.count += 1\n"
        "    home.count = home.count + count\n    return count\n"
    )
    assert int(user.run()) == 42
    assert type(home.count) is u64


def test_locals_and_module_data_have_addresses(source: Any) -> None:
    module = source(
        "total: u64 = 3\nrow: array[u32, 4] = zeroed()\n\n\n"
        "def add(p: ptr[u64], n: u64) -> None:\n    p[0] += n\n\n\n"
        "def run(n: u64) -> u64:\n    here: u64 = 1\n    add(addr(here), n)\n    add(addr(n), 1)\n"
        "    add(addr(total), here)\n"
        "    q = addr(row[1])\n    q[0] = 5\n    q[1] = 6\n    assert addr(row[2]) == addr(q[1])\n"
        "    return here * 100 + n * 10 + u64(row[2]) + total\n"
    )
    assert int(module.run(4)) == 5 * 100 + 5 * 10 + 6 + 8


def test_an_address_leads_back_to_its_place(source: Any) -> None:
    module = source(
        "@struct\nclass Item:\n    a: u32\n    b: u32\n\n\nitems: array[Item, 3] = zeroed()\n\n\n"
        "def run() -> u32:\n    n = u64(addr(items[2]))\n    ptr[Item](n).b = 7\n    ptr[u32](n - 8)[0] = 9\n"
        "    return items[2].b * 10 + items[1].a\n"
    )
    assert int(module.run()) == 79


def test_memory_at_given_addresses(source: Any) -> None:
    region = host_memory.place_region(0xFEE0_0000, 64)
    try:
        module = source(
            "from compiler.prelude import mem32, memory_copy, memory_fill\n"
            "def run() -> u32:\n    mem32[0xFEE0_0004] = 0x1234\n"
            "    memory_copy(ptr[u8](0xFEE0_0010), ptr[u8](0xFEE0_0004), 4)\n"
            "    memory_fill(ptr[u8](0xFEE0_0012), 0xFF, 1)\n    return ptr[u32](0xFEE0_0010)[0]\n"
        )
        assert int(module.run()) == 0xFF_1234
        assert region.data[4:6] == b"\x34\x12"
        with pytest.raises(ValueError, match="memory at 0xfee00020 already"):
            host_memory.place_region(0xFEE0_0020, 4)
    finally:
        host_memory.reset()


def test_memory_that_is_not_there(source: Any) -> None:
    module = source(
        "row: array[u32, 2] = zeroed()\n\n\ndef wild() -> u32:\n    return ptr[u32](0xDEAD_0000)[0]\n\n\n"
        "def past() -> u32:\n    return addr(row[1])[1]\n\n\ndef null(n: u64) -> ptr[u32]:\n    return ptr[u32](n)\n"
    )
    for function in (module.wild, module.past):
        with pytest.raises(HostMemoryError):
            function()
    with pytest.raises(Trap, match="null"):
        module.null(u64(0))


def test_assembler_has_no_host_meaning(source: Any) -> None:
    module = source(
        "from compiler.prelude import asm_x64\nfrom compiler.prelude.x64 import *\n\n\n"
        "@asm_x64\ndef cycles() -> u64:\n    rdtsc()\n    shl(rdx, 32)\n    or_(rax, rdx)\n"
        "    mov(gs[8], [rax, rcx * 8, 16])\n"
    )
    with pytest.raises(LanguageError, match="cycles is assembler"):
        module.cycles()
    with pytest.raises(LanguageError, match="the x86-64 instruction rdtsc"):
        module.rdtsc()


def test_a_module_imported_before_the_hook_is_imported_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "early_package").mkdir()
    (tmp_path / "early_package/source.py").write_text(
        "from compiler.prelude import u8\n\n\ndef f() -> u8:\n    return 5\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    before = importlib.import_module("early_package.source")
    host_import.install(["early_package"])
    after = importlib.import_module("early_package.source")
    assert (type(before.f()), type(after.f())) == (int, u8)


def test_text_reaches_the_sink_and_the_printer() -> None:
    module = host_import.load_file(ROOT / "tests/compiler/formatting.py", "formatting")
    module.print_numbers(0xABC, -5)
    module.print_mixed(7, True)
    text = "".join(chr(module.character_at(i)) for i in range(int(module.length())))
    assert text == "2748 0xabc 00000ABC    -5|-5   | -0005 101010111100\na is 7 True and      8;-3"


def test_a_literal_beside_a_typed_side_takes_its_type(source: Any) -> None:
    module = source(
        "@struct\nclass Item:\n    a: u8\n\n    def twice(self) -> u32:\n        return u32(self.a) * 2\n\n\n"
        "def far(flag: bool) -> u64:\n    item = Item(a=3)\n    first = 200 if flag else item.a\n"
        "    second = ~(item.twice() if not flag else 7)\n    return u64(first) + u64(second)\n"
    )
    assert int(module.far(True)) == 200 + 0xFFFF_FFF8


def test_a_width_survives_a_loop(source: Any) -> None:
    module = source(
        "def run(n: u32) -> u32:\n    total: u32 = 0\n    for i in range(n):\n        total = total + i * 2\n"
        "    for j in range(2, 4):\n        total += u32(j)\n    return total\n"
    )
    assert (type(module.run(4)), int(module.run(4))) == (u32, 17)
