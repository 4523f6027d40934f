"""A name in three words, as calls carry it: its bytes, and zeros behind them."""
from compiler.prelude import const, span, u8, u64

NAME_BYTES = const(24)


def word_of_name(name: span[u8], index: u64) -> u64:
    """What does not fit is left out."""
    word: u64 = 0
    for place in range(u64(8)):
        at = index * 8 + place
        if at < min(u64(len(name)), u64(NAME_BYTES)):
            word |= u64(name[at]) << (place * 8)
    return word
