/* Random numbers by shifts (Marsaglia), summed. */
#include <stdint.h>

uint64_t run(uint64_t count) {
    uint64_t x = 88172645463325252u, total = 0;
    for (uint64_t i = 0; i < count; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        total += x;
    }
    return total;
}
