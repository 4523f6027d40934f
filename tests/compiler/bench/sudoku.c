/* Solves a puzzle by trying digits where the fewest fit. */
#include <stdint.h>

#define ALL 0x3FE
static const uint8_t puzzle[81] = {
    4, 0, 0, 0, 0, 0, 8, 0, 5, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0,
    0, 2, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 8, 0, 4, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
    0, 0, 0, 6, 0, 3, 0, 7, 0, 5, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0, 0, 0
};
static uint8_t cells[81];
static uint32_t rows[9], columns[9], squares[9];
static uint64_t tried;

static void toggle(uint64_t cell, uint32_t bit) {
    uint64_t row = cell / 9, column = cell % 9;
    rows[row] ^= bit;
    columns[column] ^= bit;
    squares[row / 3 * 3 + column / 3] ^= bit;
}

static uint32_t free_digits(uint64_t cell) {
    uint64_t row = cell / 9, column = cell % 9;
    return ALL & ~(rows[row] | columns[column] | squares[row / 3 * 3 + column / 3]);
}

static int solve(void) {
    uint64_t best = 81;
    uint32_t fewest = 10;
    for (uint64_t cell = 0; cell < 81; cell++) {
        if (cells[cell] == 0) {
            uint32_t count = (uint32_t)__builtin_popcount(free_digits(cell));
            if (count < fewest) {
                best = cell;
                fewest = count;
            }
        }
    }
    if (best == 81)
        return 1;
    uint32_t left = free_digits(best);
    while (left != 0) {
        uint32_t digit = (uint32_t)__builtin_ctz(left);
        uint32_t bit = (uint32_t)1 << digit;
        left ^= bit;
        tried++;
        toggle(best, bit);
        cells[best] = (uint8_t)digit;
        if (solve())
            return 1;
        cells[best] = 0;
        toggle(best, bit);
    }
    return 0;
}

uint64_t run(uint64_t count) {
    tried = 0;
    for (uint64_t n = 0; n < count; n++) {
        for (uint64_t i = 0; i < 9; i++)
            rows[i] = columns[i] = squares[i] = 0;
        for (uint64_t i = 0; i < 81; i++) {
            cells[i] = 0;
            if (puzzle[i] != 0) {
                toggle(i, (uint32_t)1 << puzzle[i]);
                cells[i] = puzzle[i];
            }
        }
        solve();
    }
    return tried * 100 + cells[1];
}
