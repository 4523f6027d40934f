"""Reads text off a screenshot: the letters are known from the kernel's own font."""

from pathlib import Path

from kernel.core import font
from tests.host.qr_reader import SIZE

_LETTERS = {
    tuple(int(font.points(code, line)) for line in range(font.HEIGHT)): chr(code)
    for code in range(font.FIRST, font.LAST + 1)
}
_REVERSED = {tuple(0xFF ^ line for line in lines): letter for lines, letter in _LETTERS.items()}
QUIET = 4
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
Colour = tuple[int, int, int]


class Screenshot:
    """A PPM file of three bytes a point."""

    def __init__(self, path: Path) -> None:
        magic, size, most, self.points = path.read_bytes().split(b"\n", 3)
        assert (magic, most) == (b"P6", b"255")
        self.width, self.height = map(int, size.split())

    def point(self, x: int, y: int) -> Colour:
        at = (y * self.width + x) * 3
        red, green, blue = self.points[at : at + 3]
        return red, green, blue

    def lines(self, scale: int = 1) -> list[tuple[str, Colour | None]]:
        """Every row of text, without spaces at its end, and the colour of its first letter."""
        return [self._line(row, scale) for row in range(self.height // (font.HEIGHT * scale))]

    def cursor(self) -> tuple[int, int] | None:
        """Row and column of the cell whose colours have changed places."""
        for row in range(self.height // font.HEIGHT):
            for column in range(self.width // font.WIDTH):
                if self._cell(row, column, 1)[0] in _REVERSED:
                    return row, column
        return None

    def code(self) -> list[list[bool]]:
        """The modules of the code in the lower right, dark ones true."""
        whole = SIZE + 2 * QUIET
        points = min(self.width, self.height) // 2 // whole
        left, top = self.width - points * (SIZE + QUIET), self.height - points * (SIZE + QUIET)
        half = points // 2
        places = [half + index * points for index in range(SIZE)]
        return [[self.point(left + x, top + y) == (0, 0, 0) for x in places] for y in places]

    def _line(self, row: int, scale: int) -> tuple[str, Colour | None]:
        text, colour = "", None
        for column in range(self.width // (font.WIDTH * scale)):
            bits, inks = self._cell(row, column, scale)
            letter = _LETTERS.get(bits) or _REVERSED.get(bits, UNKNOWN)
            text += letter if len(inks) <= 1 else UNKNOWN
            colour = colour or next(iter(inks), None)
        return text.rstrip(" "), colour

    def _cell(self, row: int, column: int, scale: int) -> tuple[tuple[int, ...], set[Colour]]:
        """The points of a letter that are not black, line by line, and their colours."""
        left, top = column * font.WIDTH * scale, row * font.HEIGHT * scale
        bits, inks = [], set()
        for line in range(font.HEIGHT):
            cells = [self.point(left + x * scale, top + line * scale) for x in range(font.WIDTH)]
            inks |= {cell for cell in cells if cell != (0, 0, 0)}
            bits.append(sum((cell != (0, 0, 0)) << (font.WIDTH - 1 - x) for x, cell in enumerate(cells)))
        return tuple(bits), inks
