#pragma once
#include <stdint.h>

/// Counts heap allocations of the whole process, by whichever thread: every call of malloc, calloc, realloc, aligned_alloc, posix_memalign
/// and memalign, from Swift's runtime and from C libraries alike. Off until begun: then a call costs one relaxed addition more.
///
/// In C because the executable takes these functions over from glibc, for itself and for every library it loads.
void wsg_allocations_begin(void);

/// Stops counting; the calls since the beginning.
uint64_t wsg_allocations_end(void);

/// CPU time of the calling thread, nanoseconds.
uint64_t wsg_cpu_nanoseconds(void);

/// May read what `value` points to, as far as a compiler knows: what leads there has to be computed.
void wsg_swallow(const void *value);

/// The same number, of which a compiler no longer knows which it is: what is a setting in the gateway is not to be a constant here.
uint64_t wsg_unknown(uint64_t value);
