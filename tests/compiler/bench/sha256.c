/* SHA-256 of a message (FIPS 180-4). */
#include <stdint.h>

#define BLOCK 64
#define BLOCKS 64
static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};
static uint8_t message[BLOCK * BLOCKS];
static uint32_t state[8];

static uint32_t rotate(uint32_t x, unsigned n) {
    return x >> n | x << (32 - n);
}

static void start(void) {
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int i = 0; i < 8; i++)
        state[i] = first[i];
}

static void compress(const uint8_t *block) {
    uint32_t words[64] = {0};
    for (uint64_t i = 0; i < 16; i++) {
        uint64_t at = i * 4;
        words[i] = (uint32_t)block[at] << 24 | (uint32_t)block[at + 1] << 16 | (uint32_t)block[at + 2] << 8 | block[at + 3];
    }
    for (uint64_t i = 16; i < 64; i++) {
        uint32_t early = words[i - 15], late = words[i - 2];
        uint32_t low = rotate(early, 7) ^ rotate(early, 18) ^ (early >> 3);
        uint32_t high = rotate(late, 17) ^ rotate(late, 19) ^ (late >> 10);
        words[i] = words[i - 16] + low + words[i - 7] + high;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (uint64_t i = 0; i < 64; i++) {
        uint32_t high = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        uint32_t first = h + high + ((e & f) ^ (~e & g)) + rounds[i] + words[i];
        uint32_t low = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        uint32_t second = low + ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + first;
        d = c;
        c = b;
        b = a;
        a = first + second;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

uint64_t run(uint64_t count) {
    for (uint64_t i = 0; i < BLOCK * BLOCKS; i++)
        message[i] = (uint8_t)(i * 7);
    start();
    for (uint64_t n = 0; n < count; n++)
        for (uint64_t block = 0; block < BLOCKS; block++)
            compress(message + block * BLOCK);
    return (uint64_t)state[0] << 32 | state[7];
}
