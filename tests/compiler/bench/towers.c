/* Moves a tower of discs between three piles of linked cells. */
#include <stdint.h>

#define LARGEST 24

struct cell {
    uint32_t size, next;
};

static struct cell cells[LARGEST + 1];
static uint32_t piles[3], free_cell;
static uint64_t moves;

static void push(uint64_t pile, uint32_t size) {
    uint32_t taken = free_cell;
    free_cell = cells[taken].next;
    cells[taken].size = size;
    cells[taken].next = piles[pile];
    piles[pile] = taken;
}

static uint32_t pop(uint64_t pile) {
    uint32_t taken = piles[pile];
    uint32_t size = cells[taken].size;
    piles[pile] = cells[taken].next;
    cells[taken].next = free_cell;
    free_cell = taken;
    return size;
}

static void move(uint64_t source, uint64_t to, uint64_t height) {
    if (height == 1) {
        push(to, pop(source));
        moves++;
        return;
    }
    uint64_t other = 3 - source - to;
    move(source, other, height - 1);
    move(source, to, 1);
    move(other, to, height - 1);
}

uint64_t run(uint64_t height) {
    moves = 0;
    free_cell = 1;
    for (uint64_t i = 1; i < LARGEST; i++)
        cells[i].next = (uint32_t)i + 1;
    for (uint64_t i = 0; i < 3; i++)
        piles[i] = 0;
    for (uint32_t size = (uint32_t)height; size > 0; size--)
        push(0, size);
    move(0, 2, height);
    return moves * 8 + (piles[2] != 0);
}
