"""A line taken apart into words. Pure: tested on the host."""
from compiler.prelude import array, const, ptr, span, struct, u8, u64

MOST_WORDS = const(8)
_SPACE = const(0x20)


@struct
class Words:
    count: u64
    words: array[span[u8], MOST_WORDS]

    def word(self, index: u64) -> span[u8]:
        """Empty when there is none."""
        return self.words[index] if index < self.count else b""


def split(line: span[u8], words: ptr[Words]) -> None:
    """Words are separated by spaces; what follows the eighth is left out."""
    words.count = 0
    at: u64 = 0
    while at < len(line) and words.count < MOST_WORDS:
        end = at
        while end < len(line) and line[end] != _SPACE:
            end += 1
        if end != at:
            words.words[words.count] = line[at:end]
            words.count += 1
        at = end + 1


def begins_with(text: span[u8], beginning: span[u8]) -> bool:
    if len(text) < len(beginning):
        return False
    for index in range(len(beginning)):
        if text[index] != beginning[index]:
            return False
    return True
