"""Ways to place queens, with tables of what is attacked."""

from compiler.prelude import addr, array, const, ptr, struct, u8, u64, zeroed

LARGEST = const(16)


@struct
class Board:
    size: u64
    columns: array[u8, LARGEST]
    rising: array[u8, 2 * LARGEST]
    falling: array[u8, 2 * LARGEST]


def run(size: u64) -> u64:
    board: Board = zeroed()
    board.size = size
    return _place(addr(board), 0)


def _place(board: ptr[Board], row: u64) -> u64:
    size = board.size
    if row == size:
        return 1
    ways: u64 = 0
    for column in range(size):
        up, down = row + column, row + size - column
        if board.columns[column] == 0 and board.rising[up] == 0 and board.falling[down] == 0:
            board.columns[column] = 1
            board.rising[up] = 1
            board.falling[down] = 1
            ways += _place(board, row + 1)
            board.columns[column] = 0
            board.rising[up] = 0
            board.falling[down] = 0
    return ways
