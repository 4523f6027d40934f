"""Text on a framebuffer, for failures after the firmware's own console is gone.

Draws white on black from the top left corner, 8 by 16 pixels a character, in a font that a front end brings; text
that reaches the bottom is cut off. Only framebuffers with 32 bits a pixel are written to.
"""
from boot.core.report import use_screen
from boot.limine.protocol import Framebuffer
from compiler.prelude import const, mem32, ptr, span, u8, u32, u64

GLYPH_WIDTH = const(8)
GLYPH_HEIGHT = const(16)
LINE_FEED = const(10)
CARRIAGE_RETURN = const(13)
WHITE = const(0xFFFFFFFF)
BLACK = const(0)
DEPTH = const(32)

_address: u64 = 0
_pitch: u64 = 0
_columns: u64 = 0
_rows: u64 = 0
_font: u64 = 0
_column: u64 = 0
_row: u64 = 0


def open_screen(framebuffer: ptr[Framebuffer], font: u64) -> None:
    """From now on failures appear there. `font` holds 256 glyphs of 16 bytes, the leftmost pixel in the highest bit."""
    global _address, _pitch, _columns, _rows, _font
    if framebuffer.address == 0 or framebuffer.bpp != DEPTH or font == 0:
        return
    _address = framebuffer.address
    _pitch = framebuffer.pitch
    _columns = framebuffer.width // GLYPH_WIDTH
    _rows = framebuffer.height // GLYPH_HEIGHT
    _font = font
    use_screen(write)


def write(text: span[u8]) -> None:
    global _column, _row
    for value in text:
        if value == CARRIAGE_RETURN:
            _column = 0
        elif value == LINE_FEED:
            _row += 1
        else:
            if _column == _columns:
                _column = 0
                _row += 1
            if _row < _rows:
                _draw(value)
            _column += 1


def _draw(value: u8) -> None:
    glyph = _font + u64(value) * GLYPH_HEIGHT
    corner = _address + _row * GLYPH_HEIGHT * _pitch + _column * GLYPH_WIDTH * (DEPTH // 8)
    for line in range(u64(GLYPH_HEIGHT)):
        bits = u32(ptr[u8](glyph)[line])
        for column in range(u64(GLYPH_WIDTH)):
            is_lit = (bits >> u32(7 - column)) & 1 != 0
            mem32[corner + line * _pitch + column * (DEPTH // 8)] = WHITE if is_lit else BLACK
