"""Reads a QR code of the one form that the kernel makes, from a matrix of modules."""

SIZE = 117
CENTRES = (6, 32, 58, 84, 110)
BLOCK_BYTES = [106] * 8 + [107] * 4
CHECK_BYTES = 26


def read(dark: list[list[bool]]) -> bytes:
    """The text. Errors: ValueError when a pattern, the format or a check is wrong."""
    if len(dark) != SIZE:
        raise ValueError("not of this size")
    _look_at_patterns(dark)
    stream = _bytes(dark)
    blocks = [bytearray() for _ in BLOCK_BYTES]
    position = 0
    for index in range(max(BLOCK_BYTES)):
        for block, length in zip(blocks, BLOCK_BYTES, strict=True):
            if index < length:
                block.append(stream[position])
                position += 1
    checked = [bytearray(block) for block in blocks]
    for _ in range(CHECK_BYTES):
        for block in checked:
            block.append(stream[position])
            position += 1
    for block in checked:
        if any(_value_at(block, power) for power in range(CHECK_BYTES)):
            raise ValueError("a block does not agree with its checks")
    data = int.from_bytes(b"".join(blocks), "big")
    bits = 8 * sum(BLOCK_BYTES)
    if data >> (bits - 4) != 4:
        raise ValueError("not in bytes")
    length = data >> (bits - 20) & 0xFFFF
    return (data >> (bits - 20 - 8 * length) & ((1 << 8 * length) - 1)).to_bytes(length, "big")


def _look_at_patterns(dark: list[list[bool]]) -> None:
    finder = ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"]
    for top, left in ((0, 0), (0, SIZE - 7), (SIZE - 7, 0)):
        if any(dark[top + y][left + x] != (finder[y][x] == "#") for y in range(7) for x in range(7)):
            raise ValueError("a finder is damaged")
    # Level L and mask 0, as the standard's table has it.
    wanted = [digit == "1" for digit in "111011111000100"]
    first = [dark[8][x] for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [dark[y][8] for y in (7, 5, 4, 3, 2, 1, 0)]
    second = [dark[y][8] for y in range(SIZE - 1, SIZE - 8, -1)] + [dark[8][x] for x in range(SIZE - 8, SIZE)]
    if first != wanted or second != wanted:
        raise ValueError("the format is not the one that is wanted")


def _is_fixed(row: int, column: int) -> bool:
    if row == 6 or column == 6 or (row < 9 and (column < 9 or column >= SIZE - 8)) or (row >= SIZE - 8 and column < 9):
        return True
    if (row < 6 and column >= SIZE - 11) or (column < 6 and row >= SIZE - 11):
        return True
    corners = {(6, 6), (6, 110), (110, 6)}
    centres = [(y, x) for y in CENTRES for x in CENTRES if (y, x) not in corners]
    return any(abs(row - y) <= 2 and abs(column - x) <= 2 for y, x in centres)


def _bytes(dark: list[list[bool]]) -> bytes:
    columns = [*range(SIZE - 1, 6, -2), 5, 3, 1]
    bits = ""
    for number, right in enumerate(columns):
        rows = range(SIZE - 1, -1, -1) if number % 2 == 0 else range(SIZE)
        for row in rows:
            for column in (right, right - 1):
                if not _is_fixed(row, column):
                    bits += str(int(dark[row][column] != ((row + column) % 2 == 0)))
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


def _value_at(block: bytes | bytearray, power: int) -> int:
    """The polynomial at 2 to this power, which is 0 for all powers when nothing is damaged."""
    root = 1
    for _ in range(power):
        root = _multiply(root, 2)
    value = 0
    for byte in block:
        value = _multiply(value, root) ^ byte
    return value


def _multiply(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = left << 1 ^ (0x11D if left & 0x80 else 0)
        right >>= 1
    return product
