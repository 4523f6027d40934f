/* CRC-32 of a buffer by a table of 256 words. */
#include <stdint.h>

#define SIZE (1 << 14)
static uint32_t table[256];
static uint8_t data[SIZE];

static uint32_t update(uint32_t start, const uint8_t *items, uint64_t length) {
    uint32_t crc = ~start;
    for (uint64_t i = 0; i < length; i++)
        crc = table[(crc ^ items[i]) & 0xFF] ^ (crc >> 8);
    return ~crc;
}

uint64_t run(uint64_t count) {
    for (uint64_t i = 0; i < 256; i++) {
        uint32_t value = (uint32_t)i;
        for (int bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ (value & 1 ? 0xEDB88320u : 0);
        table[i] = value;
    }
    for (uint64_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 3);
    uint32_t crc = 0;
    for (uint64_t n = 0; n < count; n++)
        crc = update(crc, data, SIZE);
    return crc;
}
