"""Text read back from a picture of the screen, by the glyphs of the font that drew it."""

from pathlib import Path

GLYPH_WIDTH, GLYPH_HEIGHT = 8, 16


def read_text(picture: Path, font: bytes) -> list[str]:
    """The rows of characters on a PPM picture; what is no glyph of the font is shown as a question mark."""
    magic, size, _, pixels = picture.read_bytes().split(b"\n", 3)
    width, height = map(int, size.split())
    assert magic == b"P6" and len(pixels) == width * height * 3
    glyphs = {font[code * GLYPH_HEIGHT : (code + 1) * GLYPH_HEIGHT]: chr(code) for code in range(126, 31, -1)}
    rows = []
    for top in range(0, height - GLYPH_HEIGHT + 1, GLYPH_HEIGHT):
        row = ""
        for left in range(0, width - GLYPH_WIDTH + 1, GLYPH_WIDTH):
            starts = [((top + line) * width + left) * 3 for line in range(GLYPH_HEIGHT)]
            row += glyphs.get(bytes(_line_bits(pixels[start : start + GLYPH_WIDTH * 3]) for start in starts), "?")
        rows.append(row.rstrip())
    return rows


def _line_bits(pixels: bytes) -> int:
    """One bit for each pixel, the leftmost highest: set where it is bright."""
    return sum(0x80 >> column for column in range(GLYPH_WIDTH) if pixels[column * 3] >= 0x80)
