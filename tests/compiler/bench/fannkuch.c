/* Flips of pancakes over all permutations. */
#include <stdint.h>

#define LARGEST 16

uint64_t run(uint64_t size) {
    uint32_t permutation[LARGEST] = {0}, work[LARGEST] = {0}, counts[LARGEST] = {0};
    uint64_t flips_most = 0, checksum = 0;
    for (uint64_t i = 0; i < size; i++)
        permutation[i] = (uint32_t)i;
    int odd = 0;
    uint64_t left = size;
    for (;;) {
        while (left != 1) {
            counts[left - 1] = (uint32_t)left;
            left--;
        }
        for (uint64_t i = 0; i < size; i++)
            work[i] = permutation[i];
        uint64_t flips = 0;
        uint32_t first = work[0];
        while (first != 0) {
            uint32_t low = 0, high = first;
            while (low < high) {
                uint32_t kept = work[low];
                work[low] = work[high];
                work[high] = kept;
                low++;
                high--;
            }
            flips++;
            first = work[0];
        }
        if (flips > flips_most)
            flips_most = flips;
        if (odd)
            checksum -= flips;
        else
            checksum += flips;
        for (;;) {
            if (left == size)
                return checksum * 1000 + flips_most;
            uint32_t front = permutation[0];
            for (uint64_t i = 0; i < left; i++)
                permutation[i] = permutation[i + 1];
            permutation[left] = front;
            counts[left]--;
            if (counts[left] > 0)
                break;
            left++;
        }
        odd = !odd;
    }
}
