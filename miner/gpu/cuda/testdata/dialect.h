// What makes C of package device's kernels, for the fake driver: the third dialect beside those in scan.cl. It stands
// before the source, whose own first part is OpenCL's.
#include <stdint.h>

typedef uint32_t uint;
typedef uint64_t ulong;

extern _Thread_local uint current_item;

#define __kernel
#define __global
#define get_global_id(dimension) current_item
#define rotate(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define min(x, y) ((x) < (y) ? (x) : (y))

static inline void atomic_min(uint *address, uint value) {
	uint old = __atomic_load_n(address, __ATOMIC_RELAXED);
	while (value < old && !__atomic_compare_exchange_n(address, &old, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
	}
}

typedef struct { uint x, y, z, w; } uint4;
