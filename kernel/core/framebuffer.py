"""The screen as memory: letters drawn as points, in whatever form the points have.

It is written to and never read back: reads of such memory take far longer than writes.
Owns: where the memory is and what a point in it looks like.
Not here: what stands on the screen (screen.py).
"""
from boot.limine.protocol import FRAMEBUFFER_RGB, Framebuffer
from compiler.prelude import array, const, mem8, mem32, mem64, ptr, u8, u32, u64, zeroed
from kernel.core.font import HEIGHT, WIDTH, points

_FIRST_WIDTH_OF_DOUBLE = const(1600)    # points that are wider need larger letters
_COLOURS = const(8)

scale: u64 = 1                          # points of the screen for each point of a letter, both ways
width: u64 = 0                          # in points; 0: there is no screen
height: u64 = 0

_place: u64 = 0
_pitch: u64 = 0
_point_bytes: u64 = 0
_colours: array[u32, _COLOURS] = zeroed()   # as the screen has them
_colour_count: u64 = 0


def start(screen: ptr[Framebuffer]) -> bool:
    """Takes over a screen, where the loader mapped it. Returns False for a form that cannot be used."""
    global scale, width, height, _place, _pitch, _point_bytes
    bits = u64(screen.bpp)
    is_known = bits == 16 or bits == 24 or bits == 32
    if screen.memory_model != FRAMEBUFFER_RGB or not is_known or screen.pitch < screen.width * (bits // 8):
        return False
    scale = 1 + screen.width // _FIRST_WIDTH_OF_DOUBLE
    width = screen.width
    height = screen.height
    _place = screen.address
    _pitch = screen.pitch
    _point_bytes = bits // 8
    return True


def move(place: u64) -> None:
    """The screen is mapped elsewhere from here on."""
    global _place
    _place = place


def place() -> u64:
    return _place


def length() -> u64:
    """Of its memory, in bytes."""
    return _pitch * height


def add_colour(screen: ptr[Framebuffer], red: u32, green: u32, blue: u32) -> u64:
    """Makes a colour of three parts from 0 to 255 known. Returns its number."""
    global _colour_count
    _colours[_colour_count] = (
        _part(red, screen.red_mask_size, screen.red_mask_shift)
        | _part(green, screen.green_mask_size, screen.green_mask_shift)
        | _part(blue, screen.blue_mask_size, screen.blue_mask_shift)
    )
    _colour_count += 1
    return _colour_count - 1


def clear(colour: u64) -> None:
    for line in range(height):
        at = _place + line * _pitch
        end = at + width * _point_bytes
        if _point_bytes == 4:
            two = u64(_colours[colour]) | (u64(_colours[colour]) << 32)
            while at + 8 <= end:
                mem64[at] = two
                at += 8
        while at < end:
            at = _put(at, _colours[colour])


def draw(column: u64, row: u64, letter: u8, colour: u64, background: u64) -> None:
    """Draws a letter in a cell of the screen. Requires: all of the cell lies on the screen."""
    left = _place + row * HEIGHT * scale * _pitch + column * WIDTH * scale * _point_bytes
    for line in range(u64(HEIGHT)):
        bits = points(letter, u32(line))
        for repeat in range(scale):
            _draw_line(left + (line * scale + repeat) * _pitch, bits, _colours[colour], _colours[background])


def fill(left: u64, top: u64, size: u64, colour: u64) -> None:
    """A square of points, as far as it lies on the screen."""
    for line in range(top, min(top + size, height)):
        at = _place + line * _pitch + left * _point_bytes
        for _ in range(left, min(left + size, width)):
            at = _put(at, _colours[colour])


def _draw_line(left: u64, bits: u8, colour: u32, background: u32) -> None:
    at = left
    for column in range(u8(WIDTH)):
        value = colour if (bits << column) & 0x80 != 0 else background
        for _ in range(scale):
            at = _put(at, value)


def _put(at: u64, value: u32) -> u64:
    """Returns the address of the next point."""
    if _point_bytes == 4:
        mem32[at] = value
    else:
        for part in range(_point_bytes):
            mem8[at + part] = u8(value >> u32(part * 8))
    return at + _point_bytes


def _part(value: u32, size: u8, shift: u8) -> u32:
    """One part of a colour, of eight bits, as the screen wants it."""
    bits = u32(size)
    scaled = value >> (8 - bits) if bits <= 8 else value << (bits - 8)
    return scaled << u32(shift)
