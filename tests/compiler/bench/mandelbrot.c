/* The Mandelbrot set in fixed-point numbers of 28 bits behind the point. */
#include <stdint.h>

#define POINT 28
#define LIMIT ((int64_t)4 << POINT)
#define TURNS 100

static uint64_t escape(int64_t real, int64_t imaginary) {
    int64_t x = 0, y = 0;
    for (uint64_t turn = 0; turn < TURNS; turn++) {
        int64_t xx = (x * x) >> POINT, yy = (y * y) >> POINT;
        if (xx + yy > LIMIT)
            return turn;
        y = ((x * y) >> (POINT - 1)) + imaginary;
        x = xx - yy + real;
    }
    return TURNS;
}

uint64_t run(uint64_t size) {
    uint64_t total = 0;
    int64_t step = ((int64_t)3 << POINT) / (int64_t)size;
    for (int64_t row = 0; row < (int64_t)size; row++)
        for (int64_t column = 0; column < (int64_t)size; column++)
            total += escape(column * step - ((int64_t)2 << POINT), row * step - ((int64_t)3 << (POINT - 1)));
    return total;
}
