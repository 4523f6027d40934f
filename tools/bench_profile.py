"""Where the instructions of one benchmark row are spent: per function, and beside source and disassembly.

Input law: what tools/instruction_counter.c writes for one sample, "address count" per line, and the images that ran.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from compiler.listing import list_image
from tools.paths import ROOT

_FUNCTION = re.compile(r"(\S+): {4}\d+ bytes, ")
_INSTRUCTION = re.compile(r" {4}([0-9a-f]+)  ")


def profile(counts: Path, images: tuple[Path, ...], operations: int, listing: Path) -> str:
    """A table of functions by instructions per operation; writes what ran, each line with its count, to `listing`."""
    ran: Counter[int] = Counter()
    for words in map(str.split, counts.read_text().splitlines()):
        ran[int(words[0], 16)] += int(words[1])
    functions: Counter[str] = Counter()
    lines: list[str] = []
    for image in images:
        for function, line, count in _lines_that_ran(image, ran):
            lines.append(f"{count / operations:9.2f} {line}" if count else f"{'':9} {line}")
            functions[function] += count
    functions["(elsewhere)"] = sum(ran.values()) - functions.total()
    listing.write_text("\n".join(lines) + "\n")
    table = [f"{count / operations:9.2f}  {name}" for name, count in functions.most_common() if count]
    return "\n".join([*table, f"{sum(ran.values()) / operations:9.2f}  in all, of one operation"])


def _lines_that_ran(image: Path, ran: Counter[int]) -> Iterator[tuple[str, str, int]]:
    """The lines of the image's listing about instructions that ran: function, line, count; 0 for other lines."""
    function = ""
    before: list[str] = []
    for line in list_image(image.read_bytes(), ROOT):
        if found := _FUNCTION.match(line):
            function = found[1]
            before = ["", line]
        elif found := _INSTRUCTION.match(line):
            count = ran[int(found[1], 16)]
            if count:
                yield from ((function, text, 0) for text in before)
                yield function, line, count
                before = []
        elif line:
            before = [*before[:2], line] if before[:1] == [""] else [line]
