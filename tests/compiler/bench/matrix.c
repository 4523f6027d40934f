/* Product of two integer matrices. */
#include <stdint.h>

#define SIZE 96
static uint32_t left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE];

static void multiply(void) {
    for (uint64_t i = 0; i < SIZE; i++) {
        for (uint64_t j = 0; j < SIZE; j++) {
            uint32_t total = 0;
            for (uint64_t k = 0; k < SIZE; k++)
                total += left[i][k] * right[k][j];
            product[i][j] = total;
            left[i][j] += 1;
        }
    }
}

uint64_t run(uint64_t count) {
    for (uint64_t i = 0; i < SIZE; i++) {
        for (uint64_t j = 0; j < SIZE; j++) {
            left[i][j] = (uint32_t)(i * 3 + j);
            right[i][j] = (uint32_t)(i ^ j);
        }
    }
    for (uint64_t n = 0; n < count; n++)
        multiply();
    uint64_t total = 0;
    for (uint64_t i = 0; i < SIZE; i++)
        for (uint64_t j = 0; j < SIZE; j++)
            total = total * 31 + product[i][j];
    return total;
}
