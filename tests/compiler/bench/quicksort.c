/* Sorts random numbers in place. */
#include <stdint.h>

#define SIZE (1 << 14)
static uint32_t numbers[SIZE];

static void sort(uint32_t *items, uint64_t length) {
    while (length > 1) {
        uint32_t pivot = items[length / 2];
        uint64_t low = 0, high = length - 1;
        for (;;) {
            while (items[low] < pivot)
                low++;
            while (items[high] > pivot)
                high--;
            if (low >= high)
                break;
            uint32_t kept = items[low];
            items[low] = items[high];
            items[high] = kept;
            low++;
            high--;
        }
        sort(items, low);
        items += low;
        length -= low;
    }
}

uint64_t run(uint64_t count) {
    uint64_t total = 0;
    uint32_t seed = 12345;
    for (uint64_t n = 0; n < count; n++) {
        for (uint64_t i = 0; i < SIZE; i++) {
            seed = seed * 1664525u + 1013904223u;
            numbers[i] = seed;
        }
        sort(numbers, SIZE);
        total = total * 31 + numbers[SIZE / 3];
    }
    return total;
}
