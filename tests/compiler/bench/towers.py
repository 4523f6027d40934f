"""Moves a tower of discs between three piles of linked cells."""

from compiler.prelude import array, const, struct, u32, u64, zeroed

LARGEST = const(24)


@struct
class Cell:
    size: u32
    next: u32


cells: array[Cell, LARGEST + 1] = zeroed()
piles: array[u32, 3] = zeroed()
free: u32 = 0
moves: u64 = 0


def run(height: u64) -> u64:
    global free, moves
    moves = 0
    free = 1
    for i in range(u64(1), u64(LARGEST)):
        cells[i].next = u32(i) + 1
    for i in range(u64(3)):
        piles[i] = 0
    size = u32(height)
    while size > 0:
        _push(0, size)
        size -= 1
    _move(0, 2, height)
    return moves * 8 + u64(piles[2] != 0)


def _push(pile: u64, size: u32) -> None:
    global free
    taken = free
    free = cells[taken].next
    cells[taken].size = size
    cells[taken].next = piles[pile]
    piles[pile] = taken


def _pop(pile: u64) -> u32:
    global free
    taken = piles[pile]
    size = cells[taken].size
    piles[pile] = cells[taken].next
    cells[taken].next = free
    free = taken
    return size


def _move(source: u64, to: u64, height: u64) -> None:
    global moves
    if height == 1:
        _push(to, _pop(source))
        moves += 1
        return
    other = 3 - source - to
    _move(source, other, height - 1)
    _move(source, to, 1)
    _move(other, to, height - 1)
