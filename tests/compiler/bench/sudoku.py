"""Solves a puzzle by trying digits where the fewest fit."""

from compiler.prelude import array, const, count_ones, count_zeros_right, u8, u32, u64, zeroed

ALL = const(0x3FE)
PUZZLE: array[u8, 81] = array(
    4, 0, 0, 0, 0, 0, 8, 0, 5,
    0, 3, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 7, 0, 0, 0, 0, 0,
    0, 2, 0, 0, 0, 0, 0, 6, 0,
    0, 0, 0, 0, 8, 0, 4, 0, 0,
    0, 0, 0, 0, 1, 0, 0, 0, 0,
    0, 0, 0, 6, 0, 3, 0, 7, 0,
    5, 0, 0, 2, 0, 0, 0, 0, 0,
    1, 0, 4, 0, 0, 0, 0, 0, 0,
)  # fmt: skip
cells: array[u8, 81] = zeroed()
rows: array[u32, 9] = zeroed()
columns: array[u32, 9] = zeroed()
squares: array[u32, 9] = zeroed()
tried: u64 = 0


def run(count: u64) -> u64:
    global tried
    tried = 0
    for _ in range(count):
        for i in range(u64(9)):
            rows[i] = 0
            columns[i] = 0
            squares[i] = 0
        for i in range(u64(81)):
            cells[i] = 0
            if PUZZLE[i] != 0:
                _toggle(i, u32(1) << u32(PUZZLE[i]))
                cells[i] = PUZZLE[i]
        _ = _solve()
    return tried * 100 + u64(cells[1])


def _toggle(cell: u64, bit: u32) -> None:
    row, column = cell // 9, cell % 9
    rows[row] ^= bit
    columns[column] ^= bit
    squares[row // 3 * 3 + column // 3] ^= bit


def _free_digits(cell: u64) -> u32:
    row, column = cell // 9, cell % 9
    return ALL & ~(rows[row] | columns[column] | squares[row // 3 * 3 + column // 3])


def _solve() -> bool:
    global tried
    best: u64 = 81
    fewest: u32 = 10
    for cell in range(u64(81)):
        if cells[cell] == 0:
            count = count_ones(_free_digits(cell))
            if count < fewest:
                best = cell
                fewest = count
    if best == 81:
        return True
    left = _free_digits(best)
    while left != 0:
        digit = count_zeros_right(left)
        bit = u32(1) << digit
        left ^= bit
        tried += 1
        _toggle(best, bit)
        cells[best] = u8(digit)
        if _solve():
            return True
        cells[best] = 0
        _toggle(best, bit)
    return False
