/* Ways to place queens, with tables of what is attacked. */
#include <stdint.h>

#define LARGEST 16

struct board {
    uint64_t size;
    uint8_t columns[LARGEST], rising[2 * LARGEST], falling[2 * LARGEST];
};

static uint64_t place(struct board *board, uint64_t row) {
    uint64_t size = board->size;
    if (row == size)
        return 1;
    uint64_t ways = 0;
    for (uint64_t column = 0; column < size; column++) {
        uint64_t up = row + column, down = row + size - column;
        if (board->columns[column] == 0 && board->rising[up] == 0 && board->falling[down] == 0) {
            board->columns[column] = 1;
            board->rising[up] = 1;
            board->falling[down] = 1;
            ways += place(board, row + 1);
            board->columns[column] = 0;
            board->rising[up] = 0;
            board->falling[down] = 0;
        }
    }
    return ways;
}

uint64_t run(uint64_t size) {
    struct board board = {0};
    board.size = size;
    return place(&board, 0);
}
