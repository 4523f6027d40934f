"""Raw binaries: modules that hold assembler text alone, such as the stages of a BIOS loader.

Output law: the first byte of the file is the first of `_start`, meant for the address `base`. Nothing is added: no
runtime, no symbols.
"""

from __future__ import annotations

from pathlib import Path

from compiler.check import Checker
from compiler.declare import declare
from compiler.driver import WrongUse
from compiler.emit_types import escape
from compiler.errors import Diagnostics
from compiler.layers import LAYERS
from compiler.link import flat
from compiler.modules import Project
from compiler.target import TARGETS, generate_object


def build_raw(entry: str, base: int, output: Path, root: Path | None = None) -> None:
    """Builds one module into a file. Errors: CompilationFailed, WrongUse, LinkError, AssemblerError."""
    diagnostics = Diagnostics()
    project = Project(root or Path.cwd(), diagnostics, declare, {"DEBUG": False, "TARGET": "loader"}, LAYERS)
    if project.path_of(entry) is None:
        raise WrongUse(f"there is no module {entry} below {root or Path.cwd()}")
    project.load(entry)
    diagnostics.raise_if_any()
    program = Checker(project, diagnostics).check()
    if program.bodies or not program.assembler:
        raise WrongUse(f"{entry} is no raw module: it may hold constants and asm_block texts only")
    lines = [line for block in program.assembler for line in block.split("\n")]
    ir = "\n".join(f'module asm "{escape(line.encode())}"' for line in lines) + "\n"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(flat([generate_object(ir, TARGETS["loader"], opt=0)], base))
