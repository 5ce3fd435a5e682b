// A file of its own, compiled apart from what calls it: nobody can see that these do nothing.
#include "micromeasure.h"

void wsg_swallow(const void *value) { (void)value; }
uint64_t wsg_unknown(uint64_t value) { return value; }
