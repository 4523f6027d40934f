"""A text as a QR code, so that a phone can read a panic report off the screen.

One form only: version 25, error correction L, bytes, mask 0. What is longer than TEXT_BYTES is cut off.
Pure: tested on the host. Source: ISO/IEC 18004:2015, clauses 7.4 (encoding), 7.5 (error correction), 7.6 (order of the
blocks), 7.7 (placement), 7.9 and 7.10 (format and version).
"""
from compiler.prelude import array, const, span, u8, u32, u64, zeroed

SIZE = const(117)                       # modules along a side
TEXT_BYTES = const(1273)

DARK = const(1)                         # bits of a module
_FIXED = const(2)                       # part of a pattern, no place for data

_VERSION = const(25)
_BLOCKS = const(12)
_SHORT_BLOCKS = const(8)                # hold one byte less than the others
_SHORT_BYTES = const(106)
_DATA_BYTES = const(_SHORT_BLOCKS * _SHORT_BYTES + (_BLOCKS - _SHORT_BLOCKS) * (_SHORT_BYTES + 1))
_CHECK_BYTES = const(26)                # of each block
_ALL_BYTES = const(_DATA_BYTES + _BLOCKS * _CHECK_BYTES)
assert _DATA_BYTES == 1276 and _ALL_BYTES == 1588

_CENTRES = const((6, 32, 58, 84, 110))  # of the alignment patterns, in both directions
_CENTRE_COUNT = const(5)
_BYTE_MODE = const(0x40)
_PADDING = const(0xEC)
_OTHER_PADDING = const(0x11)
_FIELD = const(0x11D)                   # the polynomial of the field of 256 elements
_FORMAT = const(8)                      # level L, mask 0
_FORMAT_GENERATOR = const(0x537)
_FORMAT_MASK = const(0x5412)
_VERSION_GENERATOR = const(0x1F25)

modules: array[u8, SIZE * SIZE] = zeroed()      # by rows

_centres: array[u64, _CENTRE_COUNT] = array(centre for centre in _CENTRES)
_data: array[u8, _DATA_BYTES] = zeroed()
_checks: array[u8, _BLOCKS * _CHECK_BYTES] = zeroed()
_generator: array[u8, _CHECK_BYTES] = zeroed()


def encode(text: span[u8]) -> None:
    """Fills `modules`."""
    for index in range(len(modules)):
        modules[index] = 0
    _encode_text(text)
    _make_generator()
    for block in range(u64(_BLOCKS)):
        _check(_block_start(block), _block_bytes(block), block * _CHECK_BYTES)
    _draw_patterns()
    _draw_format()
    _draw_version()
    _place_bytes()


def _encode_text(text: span[u8]) -> None:
    """Four bits of mode and sixteen of length put the text half a byte off."""
    length = min(u64(len(text)), TEXT_BYTES)
    _data[0] = _BYTE_MODE | u8(length >> 12)
    _data[1] = u8(length >> 4)
    _data[2] = u8(length << 4)
    for index in range(length):
        _data[index + 2] |= text[index] >> 4
        _data[index + 3] = text[index] << 4
    for index in range(length + 3, u64(_DATA_BYTES)):
        _data[index] = _PADDING if (index - length) % 2 == 1 else _OTHER_PADDING


def _make_generator() -> None:
    """The product of (x - 2^i), without its leading 1, highest power first."""
    for index in range(u64(_CHECK_BYTES)):
        _generator[index] = 0
    _generator[_CHECK_BYTES - 1] = 1
    root: u8 = 1
    for _ in range(_CHECK_BYTES):
        for index in range(u64(_CHECK_BYTES)):
            _generator[index] = _multiply(_generator[index], root)
            if index + 1 < _CHECK_BYTES:
                _generator[index] ^= _generator[index + 1]
        root = _multiply(root, 2)


def _check(start: u64, length: u64, result: u64) -> None:
    """The remainder of a block's bytes divided by the generator."""
    for index in range(u64(_CHECK_BYTES)):
        _checks[result + index] = 0
    for at in range(start, start + length):
        factor = _data[at] ^ _checks[result]
        for index in range(u64(_CHECK_BYTES)):
            following = _checks[result + index + 1] if index + 1 < _CHECK_BYTES else u8(0)
            _checks[result + index] = following ^ _multiply(_generator[index], factor)


def _multiply(left: u8, right: u8) -> u8:
    product: u32 = 0
    for bit in range(u32(8)):
        product = (product << 1) ^ ((product >> 7) * _FIELD)
        if (u32(right) >> (7 - bit)) & 1 != 0:
            product ^= u32(left)
    return u8(product)


def _block_bytes(block: u64) -> u64:
    return _SHORT_BYTES if block < _SHORT_BLOCKS else u64(_SHORT_BYTES + 1)


def _block_start(block: u64) -> u64:
    longer = block - _SHORT_BLOCKS if block > _SHORT_BLOCKS else u64(0)
    return block * _SHORT_BYTES + longer


def _byte(number: u64) -> u8:
    """One byte of the stream in which the blocks take turns: first their data, then their checks."""
    if number < _SHORT_BYTES * _BLOCKS:
        return _data[_block_start(number % _BLOCKS) + number // _BLOCKS]
    if number < _DATA_BYTES:
        return _data[_block_start(_SHORT_BLOCKS + number - _SHORT_BYTES * _BLOCKS) + _SHORT_BYTES]
    check = number - _DATA_BYTES
    return _checks[check % _BLOCKS * _CHECK_BYTES + check // _BLOCKS]


def _draw_patterns() -> None:
    for index in range(u64(SIZE)):
        _fix(6, index, index % 2 == 0)
        _fix(index, 6, index % 2 == 0)
    _draw_finder(3, 3)
    _draw_finder(3, SIZE - 4)
    _draw_finder(SIZE - 4, 3)
    for row in range(u64(_CENTRE_COUNT)):
        for column in range(u64(_CENTRE_COUNT)):
            is_corner = row % 4 == 0 and column % 4 == 0 and row + column != 8
            if not is_corner:
                _draw_rings(_centres[row], _centres[column], 2)


def _draw_finder(row: u64, column: u64) -> None:
    _draw_rings(row, column, 4)


def _draw_rings(row: u64, column: u64, radius: u64) -> None:
    """Squares around a centre: a finder has three rings and a light one around it, an alignment pattern two."""
    for step_row in range(2 * radius + 1):
        for step_column in range(2 * radius + 1):
            at_row = row + step_row
            at_column = column + step_column
            if at_row < radius or at_column < radius or at_row - radius >= SIZE or at_column - radius >= SIZE:
                continue
            distance = max(_difference(step_row, radius), _difference(step_column, radius))
            is_dark = distance != 2 and distance != 4 if radius == 4 else distance != 1
            _fix(at_row - radius, at_column - radius, is_dark)


def _difference(left: u64, right: u64) -> u64:
    return left - right if left > right else right - left


def _draw_format() -> None:
    bits = ((_FORMAT << 10) | _remainder(_FORMAT, 10, _FORMAT_GENERATOR)) ^ _FORMAT_MASK
    for bit in range(u64(15)):
        is_dark = (bits >> u32(bit)) & 1 != 0
        # One copy around the finder in the upper left, the other one at the two others.
        if bit < 8:
            _fix(bit if bit < 6 else bit + 1, 8, is_dark)
            _fix(8, SIZE - 1 - bit, is_dark)
        else:
            _fix(8, 7 if bit == 8 else 14 - bit, is_dark)
            _fix(SIZE - 15 + bit, 8, is_dark)
    _fix(SIZE - 8, 8, True)


def _draw_version() -> None:
    bits: u32 = (_VERSION << 12) | _remainder(_VERSION, 12, _VERSION_GENERATOR)
    for bit in range(u64(18)):
        is_dark = (bits >> u32(bit)) & 1 != 0
        _fix(bit // 3, SIZE - 11 + bit % 3, is_dark)
        _fix(SIZE - 11 + bit % 3, bit // 3, is_dark)


def _remainder(value: u32, bits: u32, generator: u32) -> u32:
    rest = value
    for _ in range(bits):
        rest = (rest << 1) ^ ((rest >> (bits - 1)) * generator)
    return rest


def _place_bytes() -> None:
    """From the lower right in columns two wide, upwards and downwards by turns, past the patterns."""
    bit: u64 = 0
    right: u64 = SIZE - 1
    is_upward = True
    while True:
        for step in range(u64(SIZE)):
            row = SIZE - 1 - step if is_upward else step
            bit = _place_bit(row, right, bit)
            bit = _place_bit(row, right - 1, bit)
        is_upward = not is_upward
        if right == 1:
            break
        right -= 3 if right == 8 else u64(2)


def _place_bit(row: u64, column: u64, bit: u64) -> u64:
    place = row * SIZE + column
    if modules[place] & _FIXED != 0:
        return bit
    value: u8 = 0
    if bit < _ALL_BYTES * 8:
        value = (_byte(bit // 8) >> u8(7 - bit % 8)) & 1
    modules[place] = value ^ u8((row + column) % 2 == 0)
    return bit + 1


def _fix(row: u64, column: u64, is_dark: bool) -> None:
    modules[row * SIZE + column] = _FIXED | u8(is_dark)
