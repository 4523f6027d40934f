"""What a checked program needs when it is C: the language's integers with their own overflow, division and shifts.

Compiled with -fwrapv and -fno-strict-aliasing. A trap leaves through `leave`; `trapped` is the kind it ends with.
"""

SUPPORT = r"""
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned __int128 u128;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;
typedef __int128 i128;
typedef u8 truth;
typedef u8 *address;
typedef struct {
    address start;
    u64 count;
} slice;

enum { OVERFLOW = 1, DIVISION, BOUNDS, ASSERTION, NULL_POINTER, UNREACHABLE, PANIC, MEMBER };

static jmp_buf leave;

static _Noreturn void trap(int kind) {
    longjmp(leave, kind);
}

static address element(address start, u64 index, u64 count, u64 size) {
    if (index >= count)
        trap(BOUNDS);
    return start + index * size;
}

static slice part(slice whole, u64 low, u64 high, u64 size) {
    if (low > high || high > whole.count)
        trap(BOUNDS);
    return (slice){whole.start + low * size, high - low};
}

// T: the type; U: as many bits without a sign.
#define MEMORY(T)                                     \
    static T load_##T(address at) {                   \
        T value;                                      \
        memcpy(&value, at, sizeof value);             \
        return value;                                 \
    }                                                 \
    static void store_##T(address at, T value) {      \
        memcpy(at, &value, sizeof value);             \
    }

#define BITS(T) (8 * (int)sizeof(T))
#define LEAST(T) ((T)((T)-1 < 0 ? (u128)1 << (BITS(T) - 1) : 0))

#define INTEGER(T, U)                                                                                   \
    MEMORY(T)                                                                                           \
    static T add_##T(T a, T b) { return (T)((U)a + (U)b); }                                             \
    static T sub_##T(T a, T b) { return (T)((U)a - (U)b); }                                             \
    static T mul_##T(T a, T b) { return (T)((U)a * (U)b); }                                             \
    static truth add_over_##T(T a, T b, T *r) { return __builtin_add_overflow(a, b, r); }               \
    static truth sub_over_##T(T a, T b, T *r) { return __builtin_sub_overflow(a, b, r); }               \
    static truth mul_over_##T(T a, T b, T *r) { return __builtin_mul_overflow(a, b, r); }               \
    static T checked_add_##T(T a, T b) { T r; if (add_over_##T(a, b, &r)) trap(OVERFLOW); return r; }   \
    static T checked_sub_##T(T a, T b) { T r; if (sub_over_##T(a, b, &r)) trap(OVERFLOW); return r; }   \
    static T checked_mul_##T(T a, T b) { T r; if (mul_over_##T(a, b, &r)) trap(OVERFLOW); return r; }   \
    static T left_##T(T a, T n) { return (U)n < BITS(T) ? (T)((U)a << n) : 0; }                         \
    static T right_##T(T a, T n) {                                                                      \
        return (U)n < BITS(T) ? (T)(a >> n) : (T)(a < 0 ? -1 : 0);                                      \
    }                                                                                                   \
    static T floor_##T(T a, T b, int checked) {                                                         \
        if (b == 0)                                                                                     \
            trap(DIVISION);                                                                             \
        if ((T)-1 < 0 && b == (T)-1) {                                                                  \
            if (checked && a == LEAST(T))                                                               \
                trap(OVERFLOW);                                                                         \
            return sub_##T(0, a);                                                                       \
        }                                                                                               \
        return (T)(a / b - (a % b != 0 && (a < 0) != (b < 0)));                                         \
    }                                                                                                   \
    static T modulo_##T(T a, T b) {                                                                     \
        if (b == 0)                                                                                     \
            trap(DIVISION);                                                                             \
        if ((T)-1 < 0 && b == (T)-1)                                                                    \
            return 0;                                                                                   \
        return (T)(a % b != 0 && (a < 0) != (b < 0) ? a % b + b : a % b);                               \
    }                                                                                                   \
    static T min_##T(T a, T b) { return a < b ? a : b; }                                                \
    static T max_##T(T a, T b) { return a > b ? a : b; }                                                \
    static T bit_##T(T a, int n) { return (T)((U)a >> n & 1); }                                         \
    static T count_ones_##T(T a) {                                                                      \
        int found = 0;                                                                                  \
        for (int n = 0; n < BITS(T); n++)                                                               \
            found += bit_##T(a, n);                                                                     \
        return (T)found;                                                                                \
    }                                                                                                   \
    static T count_zeros_left_##T(T a) {                                                                \
        int found = 0;                                                                                  \
        while (found < BITS(T) && !bit_##T(a, BITS(T) - 1 - found))                                     \
            found++;                                                                                    \
        return (T)found;                                                                                \
    }                                                                                                   \
    static T count_zeros_right_##T(T a) {                                                               \
        int found = 0;                                                                                  \
        while (found < BITS(T) && !bit_##T(a, found))                                                   \
            found++;                                                                                    \
        return (T)found;                                                                                \
    }                                                                                                   \
    static T byte_swap_##T(T a) {                                                                       \
        U swapped = 0;                                                                                  \
        for (int n = 0; n < BITS(T); n += 8)                                                            \
            swapped = (U)(swapped << 4 << 4 | (u8)((U)a >> n));                                         \
        return (T)swapped;                                                                              \
    }                                                                                                   \
    static T rotate_left_##T(T a, T by) {                                                               \
        int n = (int)((U)by & (BITS(T) - 1));                                                           \
        return n == 0 ? a : (T)((U)((U)a << n) | (U)a >> (BITS(T) - n));                                \
    }                                                                                                   \
    static T rotate_right_##T(T a, T by) { return rotate_left_##T(a, (T)(BITS(T) - ((U)by & (BITS(T) - 1)))); }

#ifdef __clang__
// clang calls this of its own run-time library, which may not be there.
static i128 wide_product(i128 a, i128 b, int *overflowed) __asm__("__muloti4");
__attribute__((used)) static i128 wide_product(i128 a, i128 b, int *overflowed) {
    i128 product = (i128)((u128)a * (u128)b);
    *overflowed = b == -1 ? a == LEAST(i128) : b != 0 && product / b != a;
    return product;
}
#endif

INTEGER(u8, u8)
INTEGER(u16, u16)
INTEGER(u32, u32)
INTEGER(u64, u64)
INTEGER(u128, u128)
INTEGER(i8, u8)
INTEGER(i16, u16)
INTEGER(i32, u32)
INTEGER(i64, u64)
INTEGER(i128, u128)
MEMORY(truth)
MEMORY(address)
MEMORY(slice)
"""
