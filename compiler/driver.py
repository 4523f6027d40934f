"""The order of the passes; the only file that knows all of them.

parse and modules -> check -> emit (LLVM IR) -> generate_object (child process) -> link -> file.
Objects and images are kept by content (compiler.cache) below the folder build/ of the project.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from compiler.assembler_errors import locate_mistakes
from compiler.builtin_names import PROGRAM_START, PYTHON_LIBRARY
from compiler.cache import Cache, SourceRecord, key_of, machine_fingerprint
from compiler.check import Checker, Program
from compiler.check_program import check_program
from compiler.declare import declare
from compiler.emit import EmitOptions, emit_program
from compiler.emit_parts import emit_parts
from compiler.errors import CompilationFailed, CompileError, Diagnostic, Diagnostics
from compiler.layers import LAYERS
from compiler.layout import LAYOUTS
from compiler.modules import PROGRAM_MAIN, RUNTIME, Project
from compiler.pe import wrap
from compiler.source import Span
from compiler.symbol_table import link_with_symbols
from compiler.target import TARGETS, AssemblerError, Target, for_processor, generate_objects
from compiler.verify import verify

RUNTIME_MODULES = (f"{RUNTIME}.memory",)
sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))
# Passes follow the nesting of the source, three calls for each level.

PROFILES = ("release", "debug")
PROCESSES = os.cpu_count() or 1
Text = TypeVar("Text")


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
    cpu: str = ""  # the processor to compile for, when not the target's; user programs may use its vector registers
    fast: tuple[str, ...] = ()  # modules and folders that are fast although the program is small
    times: dict[str, float] = field(default_factory=dict)
    project: Project | None = None
    program: Program | None = None

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise WrongUse(f"there is no target {self.target}: use one of {', '.join(TARGETS)}")
        if self.profile not in PROFILES:
            raise WrongUse(f"there is no profile {self.profile}: use one of {', '.join(PROFILES)}")

    @property
    def machine(self) -> Target:
        return for_processor(TARGETS[self.target], self.cpu)

    def check(self) -> Program:
        """Everything before code is made. Errors: CompilationFailed, WrongUse."""
        diagnostics = Diagnostics()
        try:
            return self._check(diagnostics)
        except RecursionError:
            assert self.project is not None
            source = self.project.modules[self.entry].source
            message = "something in the program is nested too deeply"
            diagnostics.add(CompileError("syntax", message, Span(source, 1, 0, 1, 1)))
            raise CompilationFailed(diagnostics.found) from None

    def _check(self, diagnostics: Diagnostics) -> Program:
        start = time.perf_counter()
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
        checker = Checker(project, diagnostics)
        self.program = checker.program
        program = checker.check()
        check_program(program, self.target, diagnostics)
        if self.profile == "debug":
            verify(program)
        if self.machine.freestanding and program.panic_handler is None:
            raise WrongUse(f"{self.entry} reaches no function marked @panic_handler: bounds checks need one")
        self.times["check"] = time.perf_counter() - start
        return program

    def ir(self) -> str:
        """The program as one LLVM module."""
        return self._emit(emit_program)

    def object(self, emit: str = "object") -> bytes:
        """The program as one object, or another form of it."""
        return self.generate([self.ir()], emit)[0]

    def objects(self) -> list[bytes]:
        """What the image is linked from: debug builds have an object for each module, so that few are made again."""
        return self.generate(self._emit(emit_parts) if self.profile == "debug" else [self.ir()])

    def _emit(self, emitter: Callable[[Program, Target, EmitOptions], Text]) -> Text:
        try:
            program = self.check()
        except CompilationFailed as failure:
            raise CompilationFailed([*failure.diagnostics, *self._assembler_mistakes()]) from None
        start = time.perf_counter()
        result = emitter(program, self.machine, self._emit_options)
        self.times["emit"] = time.perf_counter() - start
        return result

    @property
    def _emit_options(self) -> EmitOptions:
        return EmitOptions(self.profile == "debug", self.bounds_checks, self.small, self.fast)

    def generate(self, modules: list[str], emit: str = "object") -> list[bytes]:
        """The objects of LLVM modules, those that were made before from the cache."""
        start = time.perf_counter()
        keys = [key_of(module, self.target, self.opt, emit, self.cpu or machine_fingerprint()) for module in modules]
        results = {key: found for key in keys if self.cached and (found := self.cache.get(key)) is not None}
        missing = {key: module for key, module in zip(keys, modules, strict=True) if key not in results}
        for key, result in zip(missing, self._generate_in_parallel(list(missing.values()), emit), strict=True):
            results[key] = result
            if self.cached:
                self.cache.put(key, result)
        self.times["generate"] = time.perf_counter() - start
        return [results[key] for key in keys]

    def _generate_in_parallel(self, modules: list[str], emit: str) -> list[bytes]:
        """Each processor takes every n-th module, the largest first."""
        order = sorted(range(len(modules)), key=lambda index: -len(modules[index]))
        shares = [share for first in range(PROCESSES) if (share := order[first::PROCESSES])]
        results: dict[int, bytes] = {}
        with ThreadPoolExecutor(PROCESSES) as workers:
            jobs = [workers.submit(self._generate_share, [modules[index] for index in share], emit) for share in shares]
            for share, job in zip(shares, jobs, strict=True):
                results.update(zip(share, job.result(), strict=True))
        return [results[index] for index in range(len(modules))]

    def _generate_share(self, modules: list[str], emit: str) -> list[bytes]:
        try:
            return generate_objects(modules, self.machine, opt=self.opt, emit=emit, cpu=self.cpu)
        except AssemblerError as error:
            located = self._assembler_mistakes()
            raise (CompilationFailed(located) if located else error) from None

    def _assembler_mistakes(self) -> list[Diagnostic]:
        """What LLVM refuses in the assembler functions that were checked, those of a program with mistakes included."""
        if self.program is None:
            return []
        return locate_mistakes(self.program, self.machine, self._emit_options)

    def image(self) -> bytes:
        """The linked ELF executable."""
        if self.target not in LAYOUTS:
            raise WrongUse(f"programs for {self.target} are not linked: `run` them, or load them by compiler.native")
        start = time.perf_counter()
        options = sorted(self.options.items())
        record = SourceRecord(
            self.cache,
            key_of(
                self.entry,
                self.target,
                self.profile,
                options,
                self.opt,
                self.small,
                self.fast,
                self.bounds_checks,
                self.cpu,
            ),
        )
        known = record.result(self.root) if self.cached else None
        self.times["look up"] = time.perf_counter() - start
        if known is not None:
            return known
        code = self.objects()
        start = time.perf_counter()
        image = link_with_symbols(code, LAYOUTS[self.target], "_start")
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
        own = [module for name, module in self.project.modules.items() if not name.startswith(RUNTIME)]
        return {**missing, **{module.source.path: module.source.text for module in own}}

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
