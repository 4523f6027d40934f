"""The examples of LANGUAGE.md compile and do what they say, in every world."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compiler import host_import
from compiler.driver import Build
from compiler.native import load_module
from tests.compiler.case_files import ROOT, outcome, run_cases
from tests.compiler.examples import with_imports

COMPILED_ONLY = ("@asm_x64", "async def")
"""What CPython gives no meaning, or another."""
PAGE = (ROOT / "compiler" / "LANGUAGE.md").read_text()


def examples() -> dict[str, str]:
    """Examples by section and number."""
    found: dict[str, str] = {}
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0].lower().replace(" ", "-")
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL), 1):
            found[f"{title}-{number}"] = block
    return found


def test_every_block_of_the_page_is_an_example() -> None:
    assert PAGE.count("```") == 2 * len(examples())


@pytest.mark.parametrize("name", examples())
def test_example(name: str, tmp_path: Path) -> None:
    module = "example_" + name.replace("-", "_")
    path = tmp_path / f"{module}.py"
    text = examples()[name]
    path.write_text(with_imports(text))
    if "from userspace." in text:
        path.write_text(path.read_text() + '\n\nif __name__ == "__main__":\n    pass\n')
        for package in ("userspace", "kernel", "compiler", "boot"):
            (tmp_path / package).symlink_to(ROOT / package)
        assert Build(tmp_path, module, "user", "debug").check()
        return
    Build(tmp_path, module, "host", "debug").check()
    cases = run_cases(path)
    if not cases:
        assert Build(tmp_path, module, "kernel", "debug").object()
        return
    worlds: list[object] = [load_module(module, profile="debug", opt=opt, root=tmp_path) for opt in (0, 2)]
    if not any(word in examples()[name] for word in COMPILED_ONLY):
        worlds.append(host_import.load_file(path, module))
    for world in worlds:
        for case in cases:
            assert outcome(world, case) == case.outcome, str(case)
