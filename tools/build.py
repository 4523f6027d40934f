"""Builds what a guest boots: kernel, direct loader, first program, and the archive that carries them.

    python -m tools.build           all of it; builds only what changed, and says nothing when nothing did

Owns: the list of programs, and the stamps that tell whether one is up to date.

A program is up to date when the hash over its sources, the compiler's sources and its own description is the one that
was noted beside it. Its sources are the modules that its entry module reaches by imports.
"""

import argparse
import ast
import fcntl
import hashlib
import io
import sys
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compiler.builtin_names import PROGRAM_START, PYTHON_LIBRARY
from tools.children import ChildTooSlow, run_child
from tools.paths import BOOT_ARCHIVE, BUILD, DIRECT_LOADER, INIT, KERNEL, KVM_PROBE, ROOT


@dataclass(frozen=True)
class Program:
    """One run of the compiler."""

    entry: str
    target: str
    output: Path
    options: tuple[str, ...] = ()       # NAME=VALUE for the compiler's -D
    fast: tuple[str, ...] = ()          # modules and folders to be fast; if any are named, all else is to be small


def user_programs() -> list[str]:
    """The names of the programs in userspace/programs."""
    return sorted(path.stem for path in (ROOT / "userspace" / "programs").glob("[a-z]*.py"))


# What runs in operations that programs do often, as `make bench` with PROFILE=row tells; the rest boots, makes, ends,
# panics, or is on the way of an error.
_FAST = (
    "kernel.caps",
    "kernel.complete",
    "kernel.entry",
    "kernel.submit",
    "kernel.sync",
    *(f"kernel.arch.x86_64.{name}" for name in ("gdt", "paging", "ports", "tlb")),
    *(
        f"kernel.core.{name}"
        for name in (
            "alarm", "answers", "call_queue", "calls", "chain", "context", "cpu_queue", "destruction", "grace", "idle",
            "message", "online", "receive_rights", "run_queue", "schedule", "thread_block",
            "thread_changes", "thread_list", "wait", "work",
        )
    ),
    *(f"kernel.memory.{name}" for name in ("address_space", "frame_set", "range_tree", "slab")),
    *(
        f"kernel.objects.{name}"
        for name in (
            "capability", "creation", "handles", "invocation", "lease", "mapping", "notification", "registers",
            "thread", "unmapping", "upcall",
        )
    ),
)  # fmt: skip
KERNEL_PROGRAM = Program("kernel.main", "kernel", KERNEL, fast=_FAST)
SERVERS = ("console", "keyboard", "names", "shell")
USER_PROGRAMS = (
    *(Program(f"userspace.programs.{name}", "user", BUILD / "programs" / f"{name}.elf") for name in user_programs()),
    *(Program(f"userspace.servers.{name}.main", "user", BUILD / "programs" / f"{name}.elf") for name in SERVERS),
)
PROGRAMS = (
    KERNEL_PROGRAM,
    Program("boot.direct.main", "loader", DIRECT_LOADER),
    Program("userspace.init.main", "user", INIT),
    Program("boot.probe.main", "loader", KVM_PROBE),
    *USER_PROGRAMS,
)
# The kernel comes first: that is how a loader knows it; the others are its modules.
ARCHIVE_MEMBERS = (KERNEL, INIT, *(program.output for program in USER_PROGRAMS))


# Programs that are compiled at the same time.
WORKERS = 2


class BuildFailed(Exception):
    """The compiler refused a program, and has said why on the standard error."""


def build_all(profile: str = "release") -> None:
    """Brings everything below build/ up to date. Errors: BuildFailed, OSError."""
    BUILD.mkdir(exist_ok=True)
    with only_one_builder():
        with ThreadPoolExecutor(WORKERS) as workers:
            running = [workers.submit(build_program, program, profile) for program in PROGRAMS]
            try:
                for job in running:
                    job.result()
            except BuildFailed:
                workers.shutdown(cancel_futures=True)
                raise
        write_archive(BOOT_ARCHIVE, ARCHIVE_MEMBERS)


def build_program(program: Program, profile: str) -> None:
    """Compiles one program unless it is up to date. Errors: BuildFailed."""
    program.output.parent.mkdir(parents=True, exist_ok=True)
    stamp = program.output.with_suffix(".stamp")
    wanted = _fingerprint(program, profile)
    if program.output.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    print(f"build: {program.output.relative_to(ROOT)}", flush=True)
    words = ["build", program.entry, "--target", program.target, "--profile", profile, "-o", str(program.output)]
    words += [word for option in program.options for word in ("-D", option)]
    if program.fast and profile == "release":
        words += ["-O", "s", "--fast", ",".join(program.fast)]
    try:
        built = run_child([sys.executable, "-m", "compiler", *words], cwd=ROOT, capture=False)
    except ChildTooSlow as error:
        raise BuildFailed(f"{program.output.relative_to(ROOT)} was not built: {error}") from None
    if built.returncode != 0:
        raise BuildFailed(f"{program.output.relative_to(ROOT)} was not built")
    stamp.write_text(wanted)


def write_archive(archive: Path, members: Sequence[Path]) -> None:
    """Packs files, without folders, into a USTAR archive that depends on their names and contents alone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for member in members:
            content = member.read_bytes()
            header = tarfile.TarInfo(member.name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    if not archive.exists() or archive.read_bytes() != packed.getvalue():
        archive.write_bytes(packed.getvalue())


def reachable_sources(entry: str, target: str) -> list[Path]:
    """The files of the entry module and of every module of this tree that it reaches by imports, sorted."""
    is_user = target == "user"
    found: set[Path] = set()
    waiting = [entry, PROGRAM_START] if is_user else [entry]
    while waiting:
        name = waiting.pop()
        path = _module_path(PYTHON_LIBRARY.get(name, name) if is_user else name)
        if path is None or path in found:
            continue
        found.add(path)
        waiting += _imported_names(path)
    return sorted(found)


def _imported_names(path: Path) -> Iterator[str]:
    """Every dotted name that an import statement may mean as a module."""
    try:
        tree = ast.parse(path.read_text(), str(path))
    except SyntaxError:
        return  # the compiler will say what is wrong
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_path(name: str) -> Path | None:
    base = ROOT.joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _fingerprint(program: Program, profile: str) -> str:
    digest = hashlib.sha256(f"{program.entry} {program.target} {profile} {program.options} {program.fast}".encode())
    compiler = sorted((ROOT / "compiler").rglob("*.py"))
    for path in [*compiler, *reachable_sources(program.entry, program.target)]:
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


@contextmanager
def only_one_builder() -> Iterator[None]:
    """Makes a second build in the same tree wait for the first."""
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tools.build", description="Build everything that a guest boots.")
    parser.add_argument("--profile", choices=("release", "debug"), default="release")
    arguments = parser.parse_args(words)
    try:
        build_all(arguments.profile)
    except BuildFailed as failure:
        print(f"build: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
