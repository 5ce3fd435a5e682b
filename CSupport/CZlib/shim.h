#pragma once
// Makes z_stream's input a pointer to const: what a span lends is only read.
#define ZLIB_CONST
#include <zlib.h>

// deflateInit2 and inflateInit2 are macros that pass the header's version and structure size, which Swift does not import.
static inline int wsg_deflate_init(z_stream *stream, int level, int window_bits, int memory_level) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY);
}
static inline int wsg_inflate_init(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }
