"""From an address to function, file and line, by the table inside the image.

Pure: tested on the host. Every read is checked against the table, so a damaged one ends in a failed check and not in
a wild read. compiler/symbol_table.py describes the layout and makes the table.
"""
from boot.core.fields import u32_at, u64_at
from compiler.prelude import addr, const, ptr, span, struct, u8, u64, wrap_add, wrap_sub

_MAGIC = const(0x534C4252)
_FUNCTIONS = const(32)                  # offset of the first record
_FUNCTION_BYTES = const(16)
_BLOCK_BYTES = const(8)
_NONE = const(0xFFFF_FFFF_FFFF_FFFF)


@struct
class Place:
    """`module` may be empty; `file` is empty where the line is not known."""
    module: span[u8]
    function: span[u8]
    offset: u64                         # from the start of the function
    file: span[u8]
    line: u64


@struct
class _Row:
    position: u64                       # of the row behind it
    address: u64
    file: u64                           # 0, or one more than an offset among the strings
    line: u64


def look_up(table: span[u8], address: u64, place: ptr[Place]) -> bool:
    """Returns False for an address that lies in no function. Errors: a failed check when the table is damaged."""
    if u64(len(table)) < _FUNCTIONS or u32_at(table, 0) != _MAGIC or address < u64_at(table, 8):
        return False
    target = address - u64_at(table, 8)
    functions = u64(u32_at(table, 16))
    index = _last_not_above(table, _FUNCTIONS, _FUNCTION_BYTES, functions, target)
    if index == _NONE:
        return False
    record = _FUNCTIONS + index * _FUNCTION_BYTES
    start = u64(u32_at(table, record))
    if target >= start + u64(u32_at(table, record + 4)):
        return False
    place.module = _string(table, u64(u32_at(table, record + 8)))
    place.function = _string(table, u64(u32_at(table, record + 12)))
    place.offset = target - start
    place.file = table[0:0]
    place.line = 0
    _find_line(table, _FUNCTIONS + functions * _FUNCTION_BYTES, target, place)
    return True


def _find_line(table: span[u8], blocks_at: u64, target: u64, place: ptr[Place]) -> None:
    blocks = u64(u32_at(table, 20))
    strings_at = u64(u32_at(table, 28))
    block = _last_not_above(table, blocks_at, _BLOCK_BYTES, blocks, target)
    if block == _NONE:
        return
    record = blocks_at + block * _BLOCK_BYTES
    end = u64(u32_at(table, record + _BLOCK_BYTES + 4)) if block + 1 < blocks else strings_at
    row = _Row(position=u64(u32_at(table, record + 4)), address=u64(u32_at(table, record)))
    file: u64 = 0
    while row.position < end:
        _read_row(table, addr(row))
        if row.address > target:
            break
        file = row.file
        place.line = row.line
    if file != 0:
        place.file = _string(table, strings_at + file - 1)


def _read_row(table: span[u8], row: ptr[_Row]) -> None:
    step = _number(table, row)
    if step & 1 != 0:
        row.file = _number(table, row)
    row.address += step >> 1
    change = _number(table, row)
    if change & 1 != 0:
        row.line = wrap_sub(row.line, (change + 1) >> 1)
    else:
        row.line = wrap_add(row.line, change >> 1)


def _number(table: span[u8], row: ptr[_Row]) -> u64:
    value: u64 = 0
    shift: u64 = 0
    while True:
        part = table[row.position]
        row.position += 1
        value |= u64(part & 0x7F) << shift
        shift += 7
        if part < 0x80:
            return value


def _string(table: span[u8], offset: u64) -> span[u8]:
    return table[offset + 1 : offset + 1 + u64(table[offset])]


def _last_not_above(table: span[u8], first: u64, record_bytes: u64, count: u64, target: u64) -> u64:
    """The last of `count` records whose leading u32 is not above the target, _NONE when there is none."""
    low: u64 = 0
    high = count
    while low < high:
        middle = (low + high) // 2
        if u64(u32_at(table, first + middle * record_bytes)) <= target:
            low = middle + 1
        else:
            high = middle
    return low - 1 if low != 0 else u64(_NONE)
