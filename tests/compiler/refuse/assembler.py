"""Mistakes in assembler functions and blocks."""
# target: host
from compiler.prelude import asm_block, asm_x64, const, naked, u32, u64
from compiler.prelude.x64 import *

PORT = const("text")


@asm_x64
def python_in_it(a: u64) -> u64:
    x = 3
    #! assembler: x = 3 => an assembler function holds mnemonic calls only
    mov(rax, rdi)


@asm_x64
def unknown_name() -> u64:
    mov(rax, nowhere)
    #! unknown-name: nowhere => nowhere is not defined


@asm_x64
def loop_in_it() -> u64:
    while True:
    #! assembler: while True: => an assembler function holds mnemonic calls only
        nop()


@asm_x64
def returns() -> u64:
    ret()
    #! assembler: ret() => ret ends a real function; this one is inlined
    #: mark it @naked as well


@asm_x64
def calls() -> u64:
    call(returns)
    #! assembler: call(returns) => an inlined assembler function cannot call
    #: mark it @naked as well


@asm_x64
def scaled() -> u64:
    mov(rax, [rdi, rcx * 3])
    #! assembler: rcx * 3 => an index is scaled by 1, 2, 4 or 8, not 3


@asm_x64
def keyword() -> u64:
    mov(rax, source=rdi)
    #! assembler: mov(rax, source=rdi) => mnemonics take operands by position


@asm_x64
def text_operand() -> u64:
    mov(rax, PORT)
    #! assembler: PORT => an operand is a register, a number or a symbol, not str


@asm_x64
def label_without_text() -> u64:
    label(again)
    #! assembler: label(again) => this takes one string


@asm_x64
def seven(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64:
#! assembler: def seven(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64) -> u64: => an assembler function has at most 6 parameters
    nop()


@asm_x64
def local_operand(a: u64) -> u64:
    mov(rax, a)
    #! assembler: a => an operand is a register; a arrives in rdi


@naked
def naked_python() -> u64:
#! naked: def naked_python() -> u64: => naked_python is naked but not @asm_x64
    return 1


@asm_x64
def bad_raw() -> u64:
    raw("mov rax, {nothing}")
    #! unknown-name: raw("mov rax, {nothing}") => nothing is not defined


@asm_x64
def bad_braces() -> u64:
    raw("mov rax, {1 +}")
    #! assembler: raw("mov rax, {1 +}") => {1 +} is not an expression


@asm_x64
def misspelt() -> u64:
    movv(rax, rdi)
    #! assembler: movv(rax, rdi) => there is no mnemonic movv
    #: did you mean mov?


@asm_x64
def unheard_of() -> u64:
    frobnicate(rax)
    #! assembler: frobnicate(rax) => there is no mnemonic frobnicate
    #: raw("...") passes a line of Intel syntax through


asm_block("{missing}")
#! unknown-name: asm_block("{missing}") => missing is not defined
asm_block(3)
#! assembler: asm_block(3) => asm_block takes a string
asm_block("a", "b")
#! assembler: asm_block("a", "b") => asm_block takes one string
