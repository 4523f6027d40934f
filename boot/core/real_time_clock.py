"""The date from the battery-backed clock, as seconds since 1970.

Source: MC146818 data sheet (registers, BCD and 12-hour formats). The century register is not portable: 20xx is assumed.
"""
from compiler.prelude import const, u8, u64
from kernel.arch.x86_64 import registers

INDEX_PORT = const(0x70)
DATA_PORT = const(0x71)
STATUS_A = const(0x0A)
STATUS_B = const(0x0B)
UPDATE_IN_PROGRESS = const(0x80)
IS_BINARY = const(0x04)
IS_24_HOUR = const(0x02)
AFTERNOON = const(0x80)
SECOND = const(0)
MINUTE = const(2)
HOUR = const(4)
DAY = const(7)
MONTH = const(8)
YEAR = const(9)
LONGEST_WAIT_READS = const(100000)
MOST_READINGS = const(8)


def read_date() -> u64:
    """Two equal readings in a row are believed: the clock may step in between."""
    last: u64 = 0
    for _reading in range(MOST_READINGS):
        now = _read_once()
        if now == last:
            break
        last = now
    return last


def seconds_since_1970(year: u64, month: u64, day: u64, second_of_day: u64) -> u64:
    """Gregorian date to days, with the year beginning in March so that the leap day comes last."""
    shifted_year = year - 1 if month <= 2 else year
    shifted_month = month + 9 if month <= 2 else month - 3
    era_days = shifted_year * 365 + shifted_year // 4 - shifted_year // 100 + shifted_year // 400
    days = era_days + (shifted_month * 153 + 2) // 5 + day - 1
    return (days - 719468) * 86400 + second_of_day


def _read_once() -> u64:
    for _wait in range(LONGEST_WAIT_READS):
        if (_read(STATUS_A) & UPDATE_IN_PROGRESS) == 0:
            break
    status = _read(STATUS_B)
    is_binary = (status & IS_BINARY) != 0
    hour_raw = _read(HOUR)
    hour = _number(hour_raw & (0xFF - AFTERNOON), is_binary)
    if (status & IS_24_HOUR) == 0:
        hour = hour % 12 + (12 if (hour_raw & AFTERNOON) != 0 else 0)
    second = _number(_read(SECOND), is_binary)
    minute = _number(_read(MINUTE), is_binary)
    day = _number(_read(DAY), is_binary)
    month = _number(_read(MONTH), is_binary)
    year = 2000 + _number(_read(YEAR), is_binary)
    if month == 0 or month > 12 or day == 0:
        return 0
    return seconds_since_1970(year, month, day, hour * 3600 + minute * 60 + second)


def _number(value: u8, is_binary: bool) -> u64:
    if is_binary:
        return u64(value)
    return u64(value >> 4) * 10 + u64(value & 15)


def _read(register: u8) -> u8:
    registers.out8(INDEX_PORT, register)
    return registers.in8(DATA_PORT)
