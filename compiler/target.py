"""Targets: processor features, code model, link layout; and native code from LLVM IR, in a child process.

A mistake in assembler text makes LLVM print its message and end the process: the child contains that.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

NO_VECTOR = "-mmx,-sse,-sse2,-sse3,-ssse3,-sse4.1,-sse4.2,-avx,-avx2,-x87,+soft-float,+cx16"


@dataclass(frozen=True)
class Target:
    name: str
    triple: str
    cpu: str
    features: str
    relocation: str
    code_model: str
    function_attributes: tuple[str, ...]
    freestanding: bool = True  # brings memcpy and kin of our own


_BARE = "x86_64-unknown-none-elf"
# Address 0 is memory like any other (the real-mode vector table); interrupts would overwrite a red zone, and so would
# assembler text that pushes. A frame larger than a page touches each page in turn, so that none skips a guard page.
_BARE_MARKS = (
    "noredzone",
    "noimplicitfloat",
    "null_pointer_is_valid",
    '"frame-pointer"="all"',
    '"probe-stack"="inline-asm"',
)
TARGETS = {
    target.name: target
    for target in (
        Target("kernel", _BARE, "x86-64", NO_VECTOR, "static", "kernel", _BARE_MARKS),
        Target("loader", _BARE, "x86-64", NO_VECTOR, "static", "small", _BARE_MARKS),
        Target("uefi", _BARE, "x86-64", NO_VECTOR, "pic", "small", _BARE_MARKS),
        Target("user", _BARE, "x86-64", NO_VECTOR, "static", "small", _BARE_MARKS),
        Target("host", "", "", "", "pic", "small", ("noredzone",), freestanding=False),
    )
}


def for_processor(target: Target, cpu: str) -> Target:
    """The target for a processor that is named; user programs may then use its vector registers, for floats too."""
    if not cpu or target.name != "user":
        return replace(target, cpu=cpu or target.cpu)
    marks = tuple(mark for mark in target.function_attributes if mark != "noimplicitfloat")
    return replace(target, cpu=cpu, features="+cx16", function_attributes=marks)


class AssemblerError(Exception):
    """LLVM refused the module; the text is its own message."""


def generate_objects(
    modules: Sequence[str], target: Target, *, opt: int, emit: str = "object", cpu: str = ""
) -> list[bytes]:
    """The object file (or, with emit="asm", the assembly text) of each LLVM module, made one after the other.

    `cpu` replaces the target's processor (see for_processor). Errors: AssemblerError.
    """
    texts = [module.encode() for module in modules]
    job = {"target": target.name, "opt": opt, "emit": emit, "cpu": cpu, "sizes": [len(text) for text in texts]}
    command = [sys.executable, "-m", "compiler.codegen"]
    message = json.dumps(job).encode() + b"\n" + b"".join(texts)
    result = subprocess.run(command, input=message, capture_output=True, check=False)
    if result.returncode != 0:
        raise AssemblerError(
            result.stderr.decode(errors="replace").strip() or f"code generation ended with {result.returncode}"
        )
    sizes, _, data = result.stdout.partition(b"\n")
    ends = list(itertools.accumulate(json.loads(sizes)))
    return [data[start:end] for start, end in itertools.pairwise([0, *ends])]


def generate_object(ir: str, target: Target, *, opt: int, emit: str = "object", cpu: str = "") -> bytes:
    return generate_objects([ir], target, opt=opt, emit=emit, cpu=cpu)[0]
