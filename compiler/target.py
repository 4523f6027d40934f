"""Targets: processor features, code model, link layout; and native code from LLVM IR, in a child process.

A mistake in assembler text makes LLVM print its message and end the process: the child contains that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

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
# assembler text that pushes.
_BARE_MARKS = ("noredzone", "noimplicitfloat", "null_pointer_is_valid", '"frame-pointer"="all"')
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


class AssemblerError(Exception):
    """LLVM refused the module; the text is its own message."""


def generate_object(ir: str, target: Target, *, opt: int, emit: str = "object", cpu: str = "") -> bytes:
    """The object file (or, with emit="asm", the assembly text) of one LLVM module.

    `cpu` replaces the target's processor; code for a named one is not vectorized.
    """
    job = json.dumps({"target": target.name, "opt": opt, "emit": emit, "cpu": cpu}).encode()
    command = [sys.executable, "-m", "compiler.codegen"]
    result = subprocess.run(command, input=job + b"\n" + ir.encode(), capture_output=True, check=False)
    if result.returncode != 0:
        raise AssemblerError(
            result.stderr.decode(errors="replace").strip() or f"code generation ended with {result.returncode}"
        )
    return result.stdout
