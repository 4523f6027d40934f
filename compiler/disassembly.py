"""The functions of a linked image and what their instructions say.

Owns: which instructions use vector or x87 registers, which need ring 0, how much stack a function takes.
Only symbols with type and size of a function are decoded: blocks of assembler text may hold tables or 16-bit code.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import capstone
from elftools.elf.elffile import ELFFile

Instruction = tuple[int, int, str, str]  # address, bytes, mnemonic, operands

# Instructions that save, restore or reset vector state without computing in it: a context switch needs them.
_STATE_HANDLING = re.compile(r"(fx|x)(save|rstor)\w*|fninit|ldmxcsr|stmxcsr")
_VECTOR_OPERANDS = re.compile(r"\b([xyz]mm\d+|mm[0-7]|st\(\d\)|k[0-7])\b")
_VECTOR_MNEMONICS = re.compile(r"f\w+|wait|emms|vzero\w+")
# SDM volume 3, "Privileged Instructions", with what IOPL guards and what enters or leaves ring 0.
_PRIVILEGED = re.compile(
    r"(cli|sti|hlt|in|out|(rep )?(ins|outs)[bdw]?|lgdt|lidt|lldt|ltr|lmsw|clts|invd|wbinvd|invlpg|invpcid|rdmsr|wrmsr|"
    r"swapgs|sysretq?|sysexitq?|iretq?|iretd|xsetbv|xsaves(64)?|xrstors(64)?|monitor|mwait|rdpmc|stac|clac|"
    r"vm\w+|invept|invvpid|stgi|clgi|skinit)"
)
_SYSTEM_REGISTERS = re.compile(r"\b[cd]r\d+\b")
_STACK_STEP = re.compile(r"rsp, (-?(?:0x[0-9a-f]+|\d+))")
_STACK_ADDRESS = re.compile(r"rsp, \[rsp ([+-]) (0x[0-9a-f]+|\d+)\]")
_FRAME_ADDRESS = re.compile(r"rsp, \[rbp(?: ([+-]) (0x[0-9a-f]+|\d+))?\]")
_PROBED_TO = re.compile(r"r11, (0x[0-9a-f]+|\d+)")
_TARGET = re.compile(r"0x[0-9a-f]+")
_ENDS_STRAIGHT_LINE = ("ret", "jmp", "ud2", "iretq", "sysretq")


@dataclass
class Function:
    """A function of an image; `frame_bytes` is the deepest use of stack below the return address."""

    name: str
    address: int
    size: int
    frame_bytes: int = 0
    frame_varies: bool = False
    vector: list[str] = field(default_factory=list)
    privileged: list[str] = field(default_factory=list)
    undecoded_bytes: int = 0


def read_functions(elf: ELFFile) -> list[Function]:
    """Every function of `.text` by address, decoded."""
    text: Any = elf.get_section_by_name(".text")
    table: Any = elf.get_section_by_name(".symtab")
    if text is None or table is None:
        return []
    code, base, index = text.data(), text["sh_addr"], elf.get_section_index(".text")
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    found: dict[int, Function] = {}
    for symbol in table.iter_symbols():
        if symbol["st_shndx"] == index and symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_size"]:
            found.setdefault(symbol["st_value"], Function(symbol.name, symbol["st_value"], symbol["st_size"]))
    functions = sorted(found.values(), key=lambda function: function.address)
    for function in functions:
        start = function.address - base
        instructions = list(decoder.disasm_lite(code[start : start + function.size], function.address))
        _describe(function, instructions)
    return functions


def _describe(function: Function, instructions: Sequence[Instruction]) -> None:
    function.undecoded_bytes = function.size - sum(size for _, size, _, _ in instructions)
    for address, _size, mnemonic, operands in instructions:
        if _is_vector(mnemonic, operands):
            function.vector.append(f"{mnemonic} {operands}".strip() + f" at {address:#x}")
        if _is_privileged(mnemonic, operands):
            function.privileged.append(mnemonic if mnemonic != "mov" else f"mov {operands}")
    depths = list(_stack_depths(function, instructions))
    function.frame_bytes = max(depths, default=0)


def _is_vector(mnemonic: str, operands: str) -> bool:
    if _STATE_HANDLING.fullmatch(mnemonic):
        return False
    return bool(_VECTOR_MNEMONICS.fullmatch(mnemonic) or _VECTOR_OPERANDS.search(operands))


def _is_privileged(mnemonic: str, operands: str) -> bool:
    if mnemonic == "mov":
        return bool(_SYSTEM_REGISTERS.search(operands))
    return bool(_PRIVILEGED.fullmatch(mnemonic))


def _stack_depths(function: Function, instructions: Sequence[Instruction]) -> Iterator[int]:
    """The bytes of stack in use after each instruction, in one pass.

    Behind a jump or return the depth is the one with which an earlier branch went there; for a place that is reached
    from below or by a jump table, the deepest so far is taken, which may be too much but not too little.
    """
    depth = deepest = frame_pointer = probed = 0
    at_target: dict[int, int] = {}
    for address, _size, mnemonic, operands in instructions:
        depth = at_target.get(address, depth)
        if mnemonic.startswith("j") and (target := _TARGET.fullmatch(operands)):
            at_target.setdefault(int(target[0], 16), depth)
        if mnemonic in _ENDS_STRAIGHT_LINE:
            depth = deepest
        elif mnemonic in ("push", "pushfq"):
            depth += 8
        elif mnemonic in ("pop", "popfq"):
            depth -= 8
        elif mnemonic == "leave":
            depth = frame_pointer - 8
        elif mnemonic == "mov" and operands == "rbp, rsp":
            frame_pointer = depth
        elif mnemonic == "mov" and operands == "rsp, rbp":
            depth = frame_pointer
        elif mnemonic == "sub" and (end := _PROBED_TO.fullmatch(operands)):
            probed = depth + int(end[1], 0)
        elif mnemonic == "cmp" and operands == "rsp, r11":
            depth = probed  # the loop that touches each page of a large frame is over
        elif operands.startswith("rsp, ") and mnemonic in ("sub", "add", "lea", "and", "mov"):
            depth = _adjust(function, depth, frame_pointer, mnemonic, operands)
        deepest = max(deepest, depth)
        yield depth


def _adjust(function: Function, depth: int, frame_pointer: int, mnemonic: str, operands: str) -> int:
    step, relative, framed = (p.fullmatch(operands) for p in (_STACK_STEP, _STACK_ADDRESS, _FRAME_ADDRESS))
    if mnemonic in ("sub", "add", "and") and step:
        number = int(step[1], 0)
        number -= (number >> 63 == 1) << 64  # some negative numbers are printed as 64-bit words
        if mnemonic == "and":
            return depth + max(-number - 8, 0)  # aligning costs at most this much
        return depth + number if mnemonic == "sub" else depth - number
    if mnemonic == "lea" and relative:
        return depth + (-1 if relative[1] == "+" else 1) * int(relative[2], 0)
    if mnemonic == "lea" and framed:
        return frame_pointer + (-1 if framed[1] == "+" else 1) * int(framed[2] or "0", 0)
    function.frame_varies = True  # rsp is loaded or moved by a register: a stack switch or a frame of run-time size
    return depth
