"""Arrays, spans and slices: every access is checked."""
from compiler.prelude import addr, array, copy, ptr, span, struct, u8, u16, u32, u64, zeroed


@struct
class Grid:
    rows: array[array[u16, 3], 2]
    count: u32


grid: Grid = zeroed()
squares: array[u32, 6] = array(i * i for i in range(6))


def element(i: u64) -> u32:
    return squares[i]


def signed_index(i: int) -> u32:
    return squares[i]


def nested(i: u64, j: u64, value: u16) -> u16:
    grid.rows[i][j] = value
    return grid.rows[i][j]


def slice_length(low: u64, high: u64) -> u64:
    return len(squares[low:high])


def slice_of_slice(i: u64) -> u32:
    middle = squares[1:5]
    inner = middle[1:]
    return inner[i]


def open_slice(data: span[u8]) -> u64:
    return len(data[2:])


def sums(data: span[u8]) -> u64:
    total: u64 = 0
    for byte in data:
        total += u64(byte)
    return total


def sums_array() -> u32:
    total: u32 = 0
    for value in squares:
        total += value
    return total


def writes_through_span() -> u32:
    local: array[u32, 4] = array(1, 2, 3, 4)
    part = local[1:3]
    part[0] = 10
    part[1] += 20
    return local[0] + local[1] + local[2] + local[3]


def copies() -> u32:
    first: array[u32, 2] = array(1, 2)
    second = copy(first)
    second[0] = 100
    return first[0] + second[0]


def structs_in_loop() -> u64:
    grids: array[Grid, 2] = zeroed()
    for g in grids:
        g.count = 5
    return u64(grids[0].count + grids[1].count)


def finds(data: span[u8], wanted: u8) -> int:
    for i in range(len(data)):
        if data[i] == wanted:
            return int(i)
    return -1


#: element(5) == 25
#: element(6) traps bounds
#: signed_index(-1) traps bounds
#: nested(1, 2, 7) == 7
#: nested(2, 0, 7) traps bounds
#: nested(0, 3, 7) traps bounds
#: slice_length(2, 5) == 3
#: slice_length(6, 6) == 0
#: slice_length(3, 2) traps bounds
#: slice_length(0, 7) traps bounds
#: slice_of_slice(0) == 4
#: slice_of_slice(3) traps bounds
#: open_slice(b"abc") == 1
#: open_slice(b"a") traps bounds
#: sums(b"abc") == 294
#: sums(b"") == 0
#: sums_array() == 55
#: writes_through_span() == 38
#: copies() == 101
#: structs_in_loop() == 10
#: finds(b"hello", 108) == 2
#: finds(b"hello", 0) == -1
