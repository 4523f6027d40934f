"""Looks for a word and counts words and lines in a text."""

from compiler.prelude import array, const, span, u8, u64, zeroed

SIZE = const(1 << 14)
WORDS = const(b"the quick brown fox jumps over the lazy dog\nand then the dog sleeps ")
text: array[u8, SIZE] = zeroed()


def run(count: u64) -> u64:
    words: span[u8] = WORDS
    for i in range(u64(SIZE)):
        text[i] = words[i % len(words)]
    total: u64 = 0
    for _ in range(count):
        total = total * 3 + _find_all(text[0:SIZE], b"then") + _count_words(text[0:SIZE])
    return total


def _find_all(data: span[u8], word: span[u8]) -> u64:
    found: u64 = 0
    for start in range(len(data) - len(word) + 1):
        same: u64 = 0
        while same < len(word) and data[start + same] == word[same]:
            same += 1
        if same == len(word):
            found += 1
    return found


def _count_words(data: span[u8]) -> u64:
    words: u64 = 0
    lines: u64 = 0
    inside = False
    for letter in data:
        if letter == 10:
            lines += 1
        blank = letter == 32 or letter == 10
        if not blank and not inside:
            words += 1
        inside = not blank
    return words * 1000 + lines
