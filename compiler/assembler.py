"""Assembler functions: a body of mnemonic calls to Intel-syntax text, and text blocks with `{name}` filled in.

Registers, mnemonics and memory operands need no import to be understood here; names of constants, functions and
module data are looked up like anywhere else. LLVM's own assembler judges the text.
"""

from __future__ import annotations

import ast
import difflib
import re

from compiler.constant import evaluate
from compiler.environment import Environment
from compiler.errors import CompileError, Diagnostics
from compiler.prelude import x64
from compiler.symbols import ConstSymbol, Function, GlobalVar
from compiler.tree import Body

FAMILIES: dict[str, tuple[str, ...]] = {
    "rax": ("rax", "eax", "ax", "al", "ah"),
    "rbx": ("rbx", "ebx", "bx", "bl", "bh"),
    "rcx": ("rcx", "ecx", "cx", "cl", "ch"),
    "rdx": ("rdx", "edx", "dx", "dl", "dh"),
    "rsi": ("rsi", "esi", "si", "sil"),
    "rdi": ("rdi", "edi", "di", "dil"),
    "rbp": ("rbp", "ebp", "bp", "bpl"),
    "rsp": ("rsp", "esp", "sp", "spl"),
    **{f"r{n}": (f"r{n}", f"r{n}d", f"r{n}w", f"r{n}b") for n in range(8, 16)},
}
FAMILY_OF = {name: family for family, names in FAMILIES.items() for name in names}
OTHER_REGISTERS = frozenset(
    [f"cr{n}" for n in (0, 2, 3, 4, 8)]
    + [f"dr{n}" for n in range(8)]
    + ["cs", "ds", "es", "fs", "gs", "ss", "rip"]
    + [f"{k}mm{n}" for k in "xyz" for n in range(32)]
    + [f"st{n}" for n in range(8)]
)
SIZES = {
    "byte": "byte ptr ",
    "word": "word ptr ",
    "dword": "dword ptr ",
    "qword": "qword ptr ",
    "xmmword": "xmmword ptr ",
}
_STRINGS = (
    "movsb movsw movsq stosb stosw stosd stosq lodsb scasb cmpsb insb insw insd outsb outsw outsd "
    "rep_movsb rep_movsq rep_stosb rep_stosd rep_stosq rep_insw rep_outsw repe_cmpsb repne_scasb"
).split()
WRITES: dict[str, tuple[str, ...]] = {
    "rdtsc": ("rax", "rdx"), "rdtscp": ("rax", "rdx", "rcx"), "rdmsr": ("rax", "rdx"), "rdpmc": ("rax", "rdx"),
    "cpuid": ("rax", "rbx", "rcx", "rdx"), "xgetbv": ("rax", "rdx"), "syscall": ("rax", "rcx", "r11"),
    "mul": ("rax", "rdx"), "div": ("rax", "rdx"), "imul": ("rax", "rdx"), "idiv": ("rax", "rdx"),
    "cmpxchg": ("rax",), "cmpxchg16b": ("rax", "rdx"), "cqo": ("rdx",), "cdq": ("rdx",), "in": ("rax",), "pop": (),
    **dict.fromkeys(_STRINGS, ("rcx", "rsi", "rdi", "rax")),
}  # fmt: skip
"""Registers that a mnemonic writes without naming them."""
ARGUMENT_REGISTERS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")
SHIFTS = ("shl", "shr", "sal", "sar", "rol", "ror", "rcl", "rcr")
MNEMONICS = frozenset(name for name, known in vars(x64).items() if isinstance(known, x64.Mnemonic))
PREFIXES = ("rep", "repe", "repne", "lock")


class _Translator:
    def __init__(self, env: Environment, body: Body, naked: bool) -> None:
        self.env, self.body, self.naked = env, body, naked
        self.labels: set[str] = set()
        self.lines: list[str] = []
        self.written: set[str] = set()

    def error(self, message: str, node: ast.AST, hint: str = "") -> CompileError:
        return self.env.error("assembler", message, node, hint=hint)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant(value=str())) | ast.Pass():
                return
            case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call):
                self.instruction(name, call)
            case _:
                raise self.error("an assembler function holds mnemonic calls only", node)

    def instruction(self, name: str, call: ast.Call) -> None:
        if call.keywords:
            raise self.error("mnemonics take operands by position", call)
        if name == "label":
            self.lines.append(f"{self.label_name(self.text_of(call))}:")
            return
        if name == "raw":
            self.lines.append(fill(self.text_of(call), self.env, self.body.references, call))
            self.written |= {FAMILY_OF[w] for w in re.findall(r"\w+", self.lines[-1]) if w in FAMILY_OF}
            return
        if name not in MNEMONICS:
            near = difflib.get_close_matches(name, MNEMONICS, 1)
            hint = f"did you mean {near[0]}?" if near else 'raw("...") passes a line of Intel syntax through'
            raise self.error(f"there is no mnemonic {name}", call, hint)
        mnemonic = name.rstrip("_")
        if mnemonic == "call" and not self.naked:
            raise self.error("an inlined assembler function cannot call", call, hint="mark it @naked as well")
        if mnemonic in ("ret", "iretq", "sysretq") and not self.naked:
            raise self.error(
                f"{mnemonic} ends a real function; this one is inlined", call, hint="mark it @naked as well"
            )
        operands = [self.operand(a, mnemonic) for a in call.args]
        if mnemonic in SHIFTS and operands[1:2] and operands[1] != "cl" and operands[1] in FAMILY_OF:
            # LLVM would take it for an instruction that processors of today do not have.
            raise self.error(f"{mnemonic} counts by cl or by a constant, not by {operands[1]}", call)
        self.written |= set(WRITES.get(mnemonic, ()))
        prefix, _, rest = mnemonic.partition("_")
        text = f"{prefix} {rest}" if prefix in PREFIXES and rest else mnemonic
        self.lines.append(f"{text} {', '.join(operands)}".rstrip())

    def text_of(self, call: ast.Call) -> str:
        if len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str):
            return call.args[0].value
        raise self.error("this takes one string", call)

    def label_name(self, name: str) -> str:
        return f".L{name}_{'${:uid}'}"

    def operand(self, node: ast.expr, mnemonic: str) -> str:
        match node:
            case ast.Constant(value=str(name)):
                return self.label_name(name)
            case ast.Name(id=name) if name in FAMILY_OF:
                self.written.add(FAMILY_OF[name])
                return name
            case ast.Name(id=name) if name in OTHER_REGISTERS:
                return name
            case ast.List(elts=elts):
                return self.memory(elts)
            case ast.Subscript(value=ast.Name(id=size), slice=index) if size in SIZES:
                return SIZES[size] + self.memory(_elements(index))
            case ast.Subscript(value=ast.Name(id="gs" | "fs") as segment, slice=index):
                return self.memory([segment, *_elements(index)])
        symbol = self.symbol(node)
        if symbol is not None:
            jump = mnemonic == "call" or mnemonic.startswith("j")
            if jump and isinstance(self.body.references[-1], Function):
                self.body.jumps.append(self.body.references[-1])
            return symbol if jump else f"offset {symbol}"
        return str(self.number(node))

    def number(self, node: ast.expr) -> int:
        value = evaluate(node, self.env)
        if not isinstance(value, int):
            raise self.error(f"an operand is a register, a number or a symbol, not {type(value).__name__}", node)
        return int(value)

    def symbol(self, node: ast.expr) -> str | None:
        if not isinstance(node, ast.Name | ast.Attribute):
            return None
        self.refuse_parameter(node)
        found = self.env.symbol_of(node)
        if isinstance(found, Function | GlobalVar):
            self.body.references.append(found)
            return found.symbol
        if isinstance(found, ConstSymbol):
            return None
        raise self.error(f"{ast.unparse(node)} is not a register, a constant, a function or data", node)

    def refuse_parameter(self, node: ast.expr) -> None:
        for param, register in zip(self.body.function.params, ARGUMENT_REGISTERS, strict=False):
            if isinstance(node, ast.Name) and node.id == param.name:
                raise self.error(f"an operand is a register; {param.name} arrives in {register}", node)

    def memory(self, elements: list[ast.expr]) -> str:
        """`[base, index * scale, displacement]`, a leading segment register set apart."""
        segment = ""
        if elements and isinstance(elements[0], ast.Name) and elements[0].id in ("gs", "fs"):
            segment, elements = f"{elements[0].id}:", elements[1:]
        parts = [self.address_part(e) for e in elements]
        if segment == "gs:" and self.env.module.project.options.get("TARGET") == "host":
            segment, parts = "", ["rip", *parts]  # the one copy of per-CPU data that there is (check.py)
        text = parts[0] if parts else "0"
        for part in parts[1:]:
            text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
        return f"{segment}[{text}]"

    def address_part(self, node: ast.expr) -> str:
        match node:
            case ast.Name(id=name) if name in FAMILY_OF or name == "rip":
                return name
            case ast.BinOp(left=ast.Name(id=name), op=ast.Mult(), right=scale) if name in FAMILY_OF:
                factor = self.number(scale)
                if factor not in (1, 2, 4, 8):
                    raise self.error(f"an index is scaled by 1, 2, 4 or 8, not {factor}", node)
                return f"{name}*{factor}"
        return self.symbol(node) or str(self.number(node))


def _elements(index: ast.expr) -> list[ast.expr]:
    return list(index.elts) if isinstance(index, ast.Tuple) else [index]


def assemble(function: Function, body: Body, env: Environment, diagnostics: Diagnostics) -> Body:
    """The body's text, each mistaken line of it left empty, so that the others are judged too."""
    if len(function.params) > len(ARGUMENT_REGISTERS):
        raise CompileError(
            "assembler", f"an assembler function has at most {len(ARGUMENT_REGISTERS)} parameters", function.span
        )
    translator = _Translator(env, body, function.is_naked)
    for statement in function.node.body:
        try:
            translator.statement(statement)
        except CompileError as error:
            diagnostics.add(error)
            translator.lines += [""] * lines_of(statement)
    body.assembler = "\n".join(translator.lines)
    body.clobbers = frozenset(translator.written - {"rsp"})
    return body


def lines_of(statement: ast.stmt) -> int:
    """How many lines of assembler text a statement makes."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="raw"), args=[ast.Constant(value=str(text))])):
            return text.count("\n") + 1
        case ast.Expr(value=ast.Call()):
            return 1
    return 0


def check_text(call: ast.Call, env: Environment) -> tuple[str, list[Function | GlobalVar]]:
    """The text of an asm_block with its names filled in, and what it refers to."""
    if len(call.args) != 1:
        raise env.error("assembler", "asm_block takes one string", call)
    text = evaluate(call.args[0], env)
    if not isinstance(text, str):
        raise env.error("assembler", "asm_block takes a string", call)
    references: list[Function | GlobalVar] = []
    return fill(text, env, references, call), references


def fill(text: str, env: Environment, references: list[Function | GlobalVar], at: ast.AST) -> str:
    """`{expression}` replaced by a constant's value or a symbol's name."""

    def replace(match: re.Match[str]) -> str:
        try:
            node = ast.parse(match[1], mode="eval").body
        except SyntaxError:
            raise env.error("assembler", f"{{{match[1]}}} is not an expression", at) from None
        for child in ast.walk(node):
            ast.copy_location(child, at)
        symbol = env.symbol_of(node) if isinstance(node, ast.Name | ast.Attribute) else None
        if isinstance(symbol, Function | GlobalVar):
            references.append(symbol)
            return symbol.symbol
        return str(evaluate(node, env))

    return re.sub(r"\{([^{}]+)\}", replace, text)
