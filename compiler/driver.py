"""The order of the passes; the only file that knows all of them.

parse and modules -> check -> emit (LLVM IR) -> generate_object (child process) -> link -> file.
Objects and images are kept by content (compiler.cache) below the folder build/ of the project.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from compiler.cache import Cache, SourceRecord, key_of
from compiler.check import Checker, Program
from compiler.check_program import check_program
from compiler.declare import declare
from compiler.emit import EmitOptions, emit_program
from compiler.errors import Diagnostics
from compiler.layers import LAYERS
from compiler.layout import LAYOUTS
from compiler.modules import PROGRAM_MAIN, Project
from compiler.pe import wrap
from compiler.symbol_table import link_with_symbols
from compiler.target import TARGETS, Target, generate_object

RUNTIME_MODULES = ("compiler.runtime.memory",)
PROGRAM_START = "userspace.lib.program"
"""What runs before and after the `if __name__ == "__main__":` of a user program."""
PYTHON_LIBRARY = {name: f"userspace.lib.{name}" for name in ("asyncio", "struct", "time")}
"""Python's own modules that user programs import, and what stands for them."""
PROFILES = ("release", "debug")


class WrongUse(Exception):
    """The command cannot be carried out as given; the text says what would be right."""


@dataclass
class Build:
    """One program: what to build, and how."""

    root: Path
    entry: str
    target: str = "kernel"
    profile: str = "release"
    options: dict[str, object] = field(default_factory=dict)
    opt: int = 2
    small: bool = False
    bounds_checks: bool = True
    cached: bool = True
    times: dict[str, float] = field(default_factory=dict)
    project: Project | None = None

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise WrongUse(f"there is no target {self.target}: use one of {', '.join(TARGETS)}")
        if self.profile not in PROFILES:
            raise WrongUse(f"there is no profile {self.profile}: use one of {', '.join(PROFILES)}")

    @property
    def machine(self) -> Target:
        return TARGETS[self.target]

    def check(self) -> Program:
        start = time.perf_counter()
        diagnostics = Diagnostics()
        options = {"DEBUG": self.profile == "debug", "TARGET": self.target, **self.options}
        self.project = project = Project(self.root, diagnostics, declare, options, LAYERS)
        if project.path_of(self.entry) is None:
            raise WrongUse(f"there is no module {self.entry} below {self.root}")
        project.entry = self.entry
        if self.target == "user":
            project.aliases = PYTHON_LIBRARY
        module = project.load(self.entry)
        if self.machine.freestanding:
            for name in RUNTIME_MODULES:
                project.load(name)
        if self.target == "user" and PROGRAM_MAIN in module.declarations:
            project.load(PROGRAM_START)
        diagnostics.raise_if_syntax()
        program = Checker(project, diagnostics).check()
        check_program(program, self.target, diagnostics)
        if self.machine.freestanding and program.panic_handler is None:
            raise WrongUse(f"{self.entry} reaches no function marked @panic_handler: bounds checks need one")
        self.times["check"] = time.perf_counter() - start
        return program

    def ir(self) -> str:
        program = self.check()
        start = time.perf_counter()
        text = emit_program(program, self.machine, EmitOptions(self.profile == "debug", self.bounds_checks, self.small))
        self.times["emit"] = time.perf_counter() - start
        return text

    def object(self, emit: str = "object") -> bytes:
        text = self.ir()
        start = time.perf_counter()
        key = key_of(text, self.target, self.opt, emit)
        result = self.cache.get(key) if self.cached else None
        if result is None:
            result = generate_object(text, self.machine, opt=self.opt, emit=emit)
            if self.cached:
                self.cache.put(key, result)
        self.times["generate"] = time.perf_counter() - start
        return result

    def image(self) -> bytes:
        """The linked ELF executable."""
        if self.target not in LAYOUTS:
            raise WrongUse(f"programs for {self.target} are not linked: `run` them, or load them by compiler.native")
        start = time.perf_counter()
        options = sorted(self.options.items())
        record = SourceRecord(
            self.cache, key_of(self.entry, self.target, self.profile, options, self.opt, self.small, self.bounds_checks)
        )
        known = record.result(self.root) if self.cached else None
        self.times["look up"] = time.perf_counter() - start
        if known is not None:
            return known
        code = self.object()
        start = time.perf_counter()
        image = link_with_symbols([code], LAYOUTS[self.target], "_start")
        self.times["link"] = time.perf_counter() - start
        if self.cached:
            record.note(self._sources(), image)
        return image

    @property
    def cache(self) -> Cache:
        return Cache(self.root / "build" / "cache")

    def _sources(self) -> dict[str, str | None]:
        assert self.project is not None
        missing = dict.fromkeys(path.relative_to(self.root).as_posix() for path in sorted(self.project.missing))
        return {**missing, **{m.source.path: m.source.text for m in self.project.modules.values()}}

    def write(self, output: Path) -> None:
        """Builds into a file. A name in .efi gets the EFI application, and its ELF image goes beside it."""
        image = self.image()
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.suffix.lower() == ".efi":
            if self.target != "uefi":
                raise WrongUse(f"{output.name} needs --target uefi, not {self.target}")
            output.with_suffix(".elf").write_bytes(image)
            image = wrap(image)
        output.write_bytes(image)


def build(
    entry: str,
    target: str,
    output: Path,
    profile: str = "release",
    options: dict[str, object] | None = None,
    root: Path | None = None,
) -> Build:
    """Builds one program into a file; raises CompilationFailed with every mistake found."""
    job = Build(root or Path.cwd(), entry, target, profile, dict(options or {}))
    job.write(output)
    return job
