/* Looks for a word and counts words and lines in a text. */
#include <stdint.h>

#define SIZE (1 << 14)
static const char words_text[] = "the quick brown fox jumps over the lazy dog\nand then the dog sleeps ";
static uint8_t text[SIZE];

static uint64_t find_all(const uint8_t *data, uint64_t length, const uint8_t *word, uint64_t word_length) {
    uint64_t found = 0;
    for (uint64_t start = 0; start < length - word_length + 1; start++) {
        uint64_t same = 0;
        while (same < word_length && data[start + same] == word[same])
            same++;
        if (same == word_length)
            found++;
    }
    return found;
}

static uint64_t count_words(const uint8_t *data, uint64_t length) {
    uint64_t words = 0, lines = 0;
    int inside = 0;
    for (uint64_t i = 0; i < length; i++) {
        uint8_t letter = data[i];
        if (letter == 10)
            lines++;
        int blank = letter == 32 || letter == 10;
        if (!blank && !inside)
            words++;
        inside = !blank;
    }
    return words * 1000 + lines;
}

uint64_t run(uint64_t count) {
    for (uint64_t i = 0; i < SIZE; i++)
        text[i] = (uint8_t)words_text[i % (sizeof words_text - 1)];
    uint64_t total = 0;
    for (uint64_t n = 0; n < count; n++)
        total = total * 3 + find_all(text, SIZE, (const uint8_t *)"then", 4) + count_words(text, SIZE);
    return total;
}
