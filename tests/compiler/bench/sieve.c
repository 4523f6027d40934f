/* Primes below a bound by Eratosthenes, again and again. */
#include <stdint.h>

#define SIZE (1 << 16)
static uint8_t composite[SIZE];

uint64_t run(uint64_t count) {
    uint64_t found = 0;
    for (uint64_t n = 0; n < count; n++) {
        for (uint64_t i = 0; i < SIZE; i++)
            composite[i] = 0;
        found = 0;
        for (uint64_t i = 2; i < SIZE; i++) {
            if (composite[i] == 0) {
                found++;
                for (uint64_t j = i + i; j < SIZE; j += i)
                    composite[j] = 1;
            }
        }
    }
    return found;
}
