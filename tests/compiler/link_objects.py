"""Objects for the linker's tests, made from LLVM IR text; images read back by pyelftools."""

import io
from functools import cache
from typing import Any

from elftools.elf.elffile import ELFFile
from llvmlite import binding

_NO_VECTORS = "-mmx,-sse,-sse2,-sse3,-ssse3,-sse4.1,-sse4.2,-avx,-avx2,-x87,+soft-float,+cx16"
_MODELS = {
    "kernel": ("static", "kernel", _NO_VECTORS),
    "user": ("static", "small", ""),
    "loader": ("static", "small", _NO_VECTORS),
    "uefi": ("pic", "small", _NO_VECTORS),
}


@cache
def _machine(target: str) -> Any:
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    binding.initialize_native_asmparser()
    relocation, code_model, features = _MODELS[target]
    return binding.Target.from_triple("x86_64-unknown-none-elf").create_target_machine(
        cpu="x86-64", features=features, opt=2, reloc=relocation, codemodel=code_model
    )


def assemble(text: str, target: str = "kernel") -> bytes:
    """Compiles IR text to an object for a target."""
    module = binding.parse_assembly('target triple = "x86_64-unknown-none-elf"\n' + text)
    module.verify()
    return bytes(_machine(target).emit_object(module))


def assemble_lines(lines: str, target: str = "kernel") -> bytes:
    """Assembles AT&T lines to an object."""
    return assemble("\n".join(f'module asm "{_escape(line)}"' for line in lines.strip().splitlines()), target)


def _escape(line: str) -> str:
    return line.strip().replace("\\", "\\5C").replace('"', "\\22")


def read(image: bytes) -> ELFFile:
    return ELFFile(io.BytesIO(image))


def section(image: bytes, name: str) -> Any:
    found = read(image).get_section_by_name(name)
    assert found is not None, f"the image has no section {name}"
    return found


def notes(image: bytes) -> list[Any]:
    """The notes of every PT_NOTE, in order."""
    segments: list[Any] = list(read(image).iter_segments("PT_NOTE"))
    return [note for segment in segments for note in segment.iter_notes()]


def symbols(image: bytes) -> dict[str, int]:
    return {symbol.name: symbol["st_value"] for symbol in section(image, ".symtab").iter_symbols() if symbol.name}


def bytes_at(image: bytes, address: int, count: int) -> bytes:
    """What a loader would put at an address."""
    for segment in read(image).iter_segments("PT_LOAD"):
        start = address - segment["p_vaddr"]
        if start >= 0 and start + count <= segment["p_memsz"]:
            return (segment.data() + bytes(segment["p_memsz"] - segment["p_filesz"]))[start : start + count]
    raise AssertionError(f"{address:#x} is not in the image")


def word_at(image: bytes, address: int, count: int = 8) -> int:
    return int.from_bytes(bytes_at(image, address, count), "little")
