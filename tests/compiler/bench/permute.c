/* All permutations of a few numbers by recursive swaps. */
#include <stdint.h>

static uint32_t numbers[16];
static uint64_t calls;

static void swap(uint64_t a, uint64_t b) {
    uint32_t kept = numbers[a];
    numbers[a] = numbers[b];
    numbers[b] = kept;
}

static void permute(uint64_t size) {
    calls++;
    if (size == 0)
        return;
    uint64_t last = size - 1;
    permute(last);
    uint64_t k = last;
    while (k > 0) {
        k--;
        swap(last, k);
        permute(last);
        swap(last, k);
    }
}

uint64_t run(uint64_t size) {
    calls = 0;
    for (uint64_t i = 0; i < 16; i++)
        numbers[i] = (uint32_t)i;
    permute(size);
    return calls * 31 + numbers[1];
}
