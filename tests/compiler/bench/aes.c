/* AES-128 in bytes, with an S-box made at the start (FIPS 197). */
#include <stdint.h>

#define ROUNDS 10
static uint8_t box[256], keys[16 * (ROUNDS + 1)], block[16];

static uint8_t twice(uint8_t x) {
    return (uint8_t)(x << 1) ^ (x & 0x80 ? 0x1B : 0);
}

static uint8_t rotate(uint8_t x, uint8_t count) {
    return (uint8_t)(x << count) | x >> (8 - count);
}

static void make_box(void) {
    uint8_t p = 1, q = 1;
    for (;;) {
        p = p ^ twice(p);
        q ^= (uint8_t)(q << 1);
        q ^= (uint8_t)(q << 2);
        q ^= (uint8_t)(q << 4);
        if (q & 0x80)
            q ^= 0x09;
        box[p] = q ^ rotate(q, 1) ^ rotate(q, 2) ^ rotate(q, 3) ^ rotate(q, 4) ^ 0x63;
        if (p == 1)
            break;
    }
    box[0] = 0x63;
}

static void make_keys(void) {
    for (uint64_t i = 0; i < 16; i++)
        keys[i] = (uint8_t)i;
    uint8_t constant = 1;
    for (uint64_t i = 16; i < 16 * (ROUNDS + 1); i += 4) {
        uint8_t a = keys[i - 4], b = keys[i - 3], c = keys[i - 2], d = keys[i - 1];
        if (i % 16 == 0) {
            uint8_t first = a;
            a = box[b] ^ constant;
            b = box[c];
            c = box[d];
            d = box[first];
            constant = twice(constant);
        }
        keys[i] = keys[i - 16] ^ a;
        keys[i + 1] = keys[i - 15] ^ b;
        keys[i + 2] = keys[i - 14] ^ c;
        keys[i + 3] = keys[i - 13] ^ d;
    }
}

static void encrypt(uint8_t *data) {
    uint8_t work[16] = {0};
    for (uint64_t i = 0; i < 16; i++)
        data[i] ^= keys[i];
    for (uint64_t turn = 1; turn < ROUNDS + 1; turn++) {
        for (uint64_t i = 0; i < 16; i++)
            work[i] = box[data[(i * 5) & 15]];
        if (turn != ROUNDS) {
            for (uint64_t column = 0; column < 16; column += 4) {
                uint8_t a = work[column], b = work[column + 1], c = work[column + 2], d = work[column + 3];
                uint8_t all_four = a ^ b ^ c ^ d;
                work[column] = a ^ all_four ^ twice(a ^ b);
                work[column + 1] = b ^ all_four ^ twice(b ^ c);
                work[column + 2] = c ^ all_four ^ twice(c ^ d);
                work[column + 3] = d ^ all_four ^ twice(d ^ a);
            }
        }
        for (uint64_t i = 0; i < 16; i++)
            data[i] = work[i] ^ keys[turn * 16 + i];
    }
}

uint64_t run(uint64_t count) {
    make_box();
    make_keys();
    for (uint64_t i = 0; i < 16; i++)
        block[i] = (uint8_t)(i * 17);
    for (uint64_t n = 0; n < count; n++)
        encrypt(block);
    uint64_t total = 0;
    for (uint64_t i = 0; i < 16; i++)
        total = total * 257 + block[i];
    return total;
}
