"""Lines of text on the screen: the newest at the bottom, in the colour of their level.

A line that is longer than the screen is wide goes on in the next row. To scroll, only cells whose letter changes are
drawn again.
Owns: what stands on the screen. Locks: none; core/log.py serialises lines.
"""
from boot.limine.protocol import Framebuffer
from compiler.prelude import addr, array, const, ptr, span, struct, u8, u32, u64, zeroed
from kernel.abi.log import Level
from kernel.core import framebuffer, qr_code
from kernel.core.font import HEIGHT, WIDTH

_MOST_COLUMNS = const(200)
_MOST_ROWS = const(80)
_SPACE = const(0x20)
_BACKSPACE = const(0x08)
_NEWLINE = const(0x0A)
_LEVELS = const(4)
_QUIET = const(4)                       # modules around a code that stay light


@struct
class Row:
    length: u64
    colour: u64
    letters: array[u8, _MOST_COLUMNS]


columns: u64 = 0                        # 0: there is no screen
rows: u64 = 0

_rows: array[Row, _MOST_ROWS] = zeroed()    # a circle; the topmost on the screen is _top
_top: u64 = 0
_used: u64 = 0
_is_writing: bool = False               # still, when a line comes: the last one panicked, and the screen is given up
_is_row_open: bool = False              # write_text() goes on in the last row, at _column, where the cursor is
_column: u64 = 0
_background: u64 = 0
_paper: u64 = 0
_level_colours: array[u64, _LEVELS] = zeroed()


def start(screen: ptr[Framebuffer]) -> bool:
    """Takes over a screen, where it is mapped, and clears it. Returns False for one of a strange form, left alone."""
    global columns, rows, _background, _paper
    if not framebuffer.start(screen):
        return False
    _background = framebuffer.add_colour(screen, 0, 0, 0)
    _level_colours[Level.ERROR] = framebuffer.add_colour(screen, 255, 112, 96)
    _level_colours[Level.WARN] = framebuffer.add_colour(screen, 255, 208, 96)
    _level_colours[Level.INFO] = framebuffer.add_colour(screen, 224, 224, 224)
    _level_colours[Level.DEBUG] = framebuffer.add_colour(screen, 128, 160, 192)
    _paper = framebuffer.add_colour(screen, 255, 255, 255)
    framebuffer.clear(_background)
    columns = min(framebuffer.width // (WIDTH * framebuffer.scale), _MOST_COLUMNS)
    rows = min(framebuffer.height // (HEIGHT * framebuffer.scale), _MOST_ROWS)
    if rows == 0:
        columns = 0
    return True


def clear() -> None:
    """After somebody else has drawn on it."""
    global _top, _used, _is_row_open
    if not _can_write():
        return
    framebuffer.clear(_background)
    _top = 0
    _used = 0
    _is_row_open = False


def draw_again() -> None:
    """Draws what stood on it before somebody else drew there."""
    if not _can_write():
        return
    framebuffer.clear(_background)
    for at in range(_used):
        row = _row(at)
        for column in range(row.length):
            framebuffer.draw(column, at, row.letters[column], row.colour, _background)
    _show_cursor(True)


def write_line(level: u32, text: span[u8]) -> None:
    global _is_writing, _is_row_open
    if not _can_write():
        return
    _is_writing = True
    _show_cursor(False)
    _is_row_open = False
    length = u64(len(text))
    done: u64 = 0
    while True:
        end = min(done + columns, length)
        _write_row(_level_colours[min(level, _LEVELS - 1)], text[done:end])
        done = end
        if done == length:
            break
    _is_writing = False


def write_text(text: span[u8]) -> None:
    """Parts of lines; of the control characters it obeys newline and backspace, which moves the cursor alone."""
    global _is_writing, _is_row_open, _column
    if not _can_write():
        return
    _is_writing = True
    _show_cursor(False)
    for character in text:
        if character == _NEWLINE and _is_row_open:
            _is_row_open = False
        elif character == _BACKSPACE and _is_row_open and _column != 0:
            _column -= 1
        elif character >= _SPACE or character == _NEWLINE:
            _put(character)
    _show_cursor(True)
    _is_writing = False


def _can_write() -> bool:
    global columns
    if _is_writing:
        columns = 0
    return columns != 0


def _put(character: u8) -> None:
    """Puts a letter where the cursor is; a newline makes an empty row."""
    global _is_row_open, _column
    if not _is_row_open or _column == columns:
        _write_row(_level_colours[Level.INFO], b"")
        _is_row_open = True
        _column = 0
    if character == _NEWLINE:
        _is_row_open = False
        return
    row = _row(_used - 1)
    row.letters[_column] = character
    row.length = max(row.length, _column + 1)
    framebuffer.draw(_column, _used - 1, character, row.colour, _background)
    _column += 1


def _show_cursor(is_shown: bool) -> None:
    """The cell in which the next letter of an open row goes: its colours change places."""
    if not _is_row_open or _column == columns:
        return
    row = _row(_used - 1)
    letter = row.letters[_column] if _column < row.length else u8(_SPACE)
    ink, paper = (_background, row.colour) if is_shown else (row.colour, _background)
    framebuffer.draw(_column, _used - 1, letter, ink, paper)


def draw_code() -> None:
    """Draws the code of qr_code.py where the screen has less to say: above the last lines, or below them."""
    whole = u64(qr_code.SIZE + 2 * _QUIET)
    points = min(framebuffer.width, framebuffer.height) // 2 // whole
    side = points * whole
    if points == 0:
        return
    left = framebuffer.width - side
    top = u64(0) if _used == rows else framebuffer.height - side
    framebuffer.fill(left, top, side, _paper)
    for row in range(u64(qr_code.SIZE)):
        for column in range(u64(qr_code.SIZE)):
            if qr_code.modules[row * qr_code.SIZE + column] & qr_code.DARK != 0:
                framebuffer.fill(left + (column + _QUIET) * points, top + (row + _QUIET) * points, points, _background)


def _write_row(colour: u64, text: span[u8]) -> None:
    global _used
    if _used == rows:
        _scroll()
    at = _used
    row = _row(at)
    row.length = u64(len(text))
    row.colour = colour
    for column in range(row.length):
        row.letters[column] = text[column]
        framebuffer.draw(column, at, text[column], colour, _background)
    _used += 1


def _scroll() -> None:
    """Moves every row up by one; the bottom row becomes free and empty."""
    global _top, _used
    for at in range(rows - 1):
        _redraw(at, _row(at), _row(at + 1))
    last = _row(rows - 1)
    for column in range(last.length):
        framebuffer.draw(column, rows - 1, _SPACE, last.colour, _background)
    _top = (_top + 1) % rows
    _used -= 1


def _redraw(at: u64, old: ptr[Row], new: ptr[Row]) -> None:
    for column in range(max(old.length, new.length)):
        before = old.letters[column] if column < old.length else u8(_SPACE)
        after = new.letters[column] if column < new.length else u8(_SPACE)
        if before != after or (old.colour != new.colour and after != _SPACE):
            framebuffer.draw(column, at, after, new.colour, _background)


def _row(at: u64) -> ptr[Row]:
    return addr(_rows[(_top + at) % rows])
