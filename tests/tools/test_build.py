"""What the build counts as a program's sources, and the form of the archive it packs."""

import tarfile
from pathlib import Path

import pytest

from tools import build


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small tree in the place of the project's."""
    files = {
        "kernel/main.py": "from kernel.memory.frames import allocate\nimport kernel.config as config\n",
        "kernel/memory/frames.py": "from compiler.prelude import u64\nfrom kernel import sync\n",
        "kernel/sync/__init__.py": "",
        "kernel/config.py": "import kernel.main\n",
        "kernel/unused.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    return tmp_path


def test_sources_are_what_imports_reach(tree: Path) -> None:
    reached = [str(path.relative_to(tree)) for path in build.reachable_sources("kernel.main", "kernel")]
    assert reached == ["kernel/config.py", "kernel/main.py", "kernel/memory/frames.py", "kernel/sync/__init__.py"]


def test_programs_reach_what_stands_for_modules_of_python(tree: Path) -> None:
    files = {
        "userspace/programs/hello.py": "import asyncio\n",
        "userspace/lib/asyncio/__init__.py": "from userspace.lib.asyncio.task import Task\n",
        "userspace/lib/asyncio/task.py": "",
        "userspace/lib/program.py": "import userspace.lib.heap\n",
        "userspace/lib/heap.py": "",
    }
    for name, text in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    reached = [str(path.relative_to(tree)) for path in build.reachable_sources("userspace.programs.hello", "user")]
    assert reached == sorted(files)


def test_source_that_cannot_be_parsed_is_left_to_the_compiler(tree: Path) -> None:
    (tree / "kernel" / "main.py").write_text("import kernel.config\nx = (\n")
    assert build.reachable_sources("kernel.main", "kernel") == [tree / "kernel" / "main.py"]


def test_archive_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "kernel.elf", tmp_path / "init.elf"
    first.write_bytes(b"k" * 1000)
    second.write_bytes(b"i")
    build.write_archive(tmp_path / "one.tar", [first, second])
    first.touch(mode=0o700)
    build.write_archive(tmp_path / "two.tar", [first, second])
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as tar:
        assert tar.getnames() == ["kernel.elf", "init.elf"]
    assert (tmp_path / "one.tar").read_bytes()[257:263] == b"ustar\0"


def test_unchanged_archive_is_not_written_again(tmp_path: Path) -> None:
    member, archive = tmp_path / "kernel.elf", tmp_path / "boot.tar"
    member.write_bytes(b"k")
    build.write_archive(archive, [member])
    before = archive.stat().st_mtime_ns
    build.write_archive(archive, [member])
    assert archive.stat().st_mtime_ns == before
