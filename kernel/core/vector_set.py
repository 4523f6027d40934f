"""Which interrupt vectors are taken. Those of the processor, of the old interrupt controllers and of the kernel itself
are never given out.

Pure: tested on the host. Locks: callers take turns.
"""
from compiler.prelude import array, const, struct, u32, u64

FIRST_VECTOR = const(48)
LAST_VECTOR = const(247)
_WORDS = const(4)


@struct
class VectorSet:
    taken: array[u64, _WORDS]

    def take(self) -> u32:
        """Takes the lowest free vector; 0 when all are taken."""
        for vector in range(u32(FIRST_VECTOR), u32(LAST_VECTOR + 1)):
            if (self.taken[vector // 64] >> u64(vector % 64)) & 1 == 0:
                self.taken[vector // 64] |= u64(1) << u64(vector % 64)
                return vector
        return 0

    def give_back(self, vector: u32) -> None:
        self.taken[vector // 64] &= ~(u64(1) << u64(vector % 64))
