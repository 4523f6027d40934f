"""Builds and boots a guest test: a kernel with every check and test hook, and a program that takes init's place.

    python -m tools.guest_test NAME [CPUS]      userspace/guest_tests/NAME.py, serial line on the terminal

The kernel is a debug build in which any allocation can be made to fail (FAIL_ALLOCATIONS).
"""

import re
import subprocess
import sys
from pathlib import Path

from tools.build import BuildFailed, Program, build_program, only_one_builder, write_archive
from tools.paths import BUILD, DIRECT_LOADER, GUEST_TESTS, ROOT
from tools.qemu import EXIT_SUCCESS, Machine

TEST_KERNEL = Program("kernel.main", "kernel", GUEST_TESTS / "kernel.elf", ("FAIL_ALLOCATIONS=1",))
LOADER = Program("boot.direct.main", "loader", DIRECT_LOADER)


def names() -> list[str]:
    """The guest tests that there are."""
    return sorted(path.stem for path in (ROOT / "userspace" / "guest_tests").glob("test_*.py"))


def names_with_more() -> list[str]:
    """Those that repeat something more often when the command line says `test.full`."""
    folder = ROOT / "userspace" / "guest_tests"
    return [name for name in names() if re.search(r"\brounds\(", (folder / f"{name}.py").read_text())]


def build_guest_test(name: str) -> Path:
    """Brings a test's archive up to date. Errors: BuildFailed, OSError."""
    return build_archive(f"userspace.guest_tests.{name}", name)


def build_archive(entry: str, name: str) -> Path:
    """An archive in which the program that begins with `entry` is the first one. Errors: BuildFailed, OSError."""
    program = Program(entry, "user", GUEST_TESTS / name / "init.elf")
    BUILD.mkdir(exist_ok=True)
    program.output.parent.mkdir(parents=True, exist_ok=True)
    archive = GUEST_TESTS / f"{name}.tar"
    with only_one_builder():
        build_program(LOADER, "release")
        build_program(TEST_KERNEL, "debug")
        build_program(program, "debug")
        write_archive(archive, (TEST_KERNEL.output, program.output))
    return archive


def main(words: list[str]) -> int:
    if len(words) not in (1, 2) or words[0] not in names():
        print(f"usage: python -m tools.guest_test {'|'.join(names())} [CPUS]", file=sys.stderr)
        return 2
    try:
        archive = build_guest_test(words[0])
    except BuildFailed as failure:
        print(f"build: {failure}", file=sys.stderr)
        return 1
    machine = Machine(cpus=int(words[1]) if len(words) == 2 else 2, archive=archive)
    status = subprocess.run(machine.command("stdio"), stdin=subprocess.DEVNULL).returncode
    return 0 if status == EXIT_SUCCESS else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
