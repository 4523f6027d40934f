"""f-strings and print into a fixed buffer; test_format.py compares with CPython."""

from compiler.format_style import LEFT, PREFIX, UPPER, ZERO_FILL
from compiler.prelude import array, const, fstring, i32, i64, printer, struct, u8, u16, u32, u64, zeroed

ZERO = const(0x30)
SPACE = const(0x20)
MINUS = const(0x2D)
DIGIT_TO_UPPER = const(0x37)
DIGIT_TO_LOWER = const(0x57)


@struct
class Text:
    length: u32
    characters: array[u8, 256]

    def text(self, words: str) -> None:
        for character in words.encode():
            self.put(character)

    def put(self, character: u8) -> None:
        if self.length < 256:
            self.characters[self.length] = character
            self.length += 1

    def number(self, magnitude: u64, is_negative: bool, base: u32, width: u32, style: u32) -> None:
        digits: array[u8, 64] = zeroed()
        count: u32 = 0
        rest = magnitude
        while count == 0 or rest != 0:
            digit = u8(rest % u64(base))
            letter: u8 = DIGIT_TO_UPPER if style & UPPER != 0 else DIGIT_TO_LOWER
            digits[count] = digit + (ZERO if digit < 10 else letter)
            rest = rest // u64(base)
            count += 1
        taken = count + u32(is_negative) + (2 if style & PREFIX != 0 else 0)
        fill = width - taken if width > taken else 0
        if style & (ZERO_FILL | LEFT) == 0:
            self.repeat(SPACE, fill)
        if is_negative:
            self.put(MINUS)
        if style & PREFIX != 0:
            self.text("0x" if base == 16 else "0b" if base == 2 else "0o")
        if style & ZERO_FILL != 0:
            self.repeat(ZERO, fill)
        while count != 0:
            count -= 1
            self.put(digits[count])
        if style & LEFT != 0:
            self.repeat(SPACE, fill)

    def repeat(self, character: u8, times: u32) -> None:
        for _ in range(times):
            self.put(character)


output: Text = zeroed()


@printer
def show(line: fstring[Text], end: str) -> None:
    for i in range(line.length):
        output.put(line.characters[i])
    output.text(end)


def length() -> u32:
    return output.length


def character_at(index: u32) -> u8:
    return output.characters[index]


def clear() -> None:
    output.length = 0


def print_numbers(a: u64, b: i32) -> None:
    print(f"{a} {a:#x} {a:08X} {b:5}|{b:<5}| {b:05} {a:b}")


def print_mixed(a: u16, flag: bool) -> None:
    print("a is", a, flag, f"and {a + 1:>6}", end=";")
    show(f"{i64(a) - 10}", end="")
