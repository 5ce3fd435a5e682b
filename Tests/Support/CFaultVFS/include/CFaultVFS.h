#pragma once
#include <stdint.h>

// A layer between SQLite and the system's own that fails when told, and cuts the power: what was written and not synced is then on disk, or not, or in
// part. Each has its own name, files and faults; it is used by one thread at a time.
typedef struct fault_vfs fault_vfs;

typedef enum {
    FAULT_WRITE = 0,
    FAULT_SYNC = 1,
    FAULT_TRUNCATE = 2,
    // Any of these.
    FAULT_CHANGE = 3,
} fault_operation;

typedef enum {
    FAULT_IO = 0,
    // A write of which half is done; anything else is not.
    FAULT_FULL = 1,
    // From here on nothing reaches the disk: the power is gone.
    FAULT_POWER = 2,
} fault_kind;

// What became of that which was written and not synced.
typedef enum {
    // None of it is there.
    CUT_NOTHING = 0,
    // The writes up to some moment are there, of the last one a part.
    CUT_PREFIX = 1,
    // Of each 512 bytes that were written it is chance whether they are there.
    CUT_SECTORS = 2,
} cut_mode;

fault_vfs *fault_vfs_create(const char *name);
// After every connection through it is closed.
void fault_vfs_destroy(fault_vfs *vfs);

// The `nth` operation from now, counted from 1, fails, and only that one.
void fault_vfs_fail(fault_vfs *vfs, fault_operation operation, long nth, fault_kind kind);

// How many there have been, those that failed included.
long fault_vfs_count(const fault_vfs *vfs, fault_operation operation);

// Makes the files what a machine finds after the power came back. Every connection is closed; afterwards the layer works again.
// Returns 0, or -1 where a file cannot be written.
int fault_vfs_cut_power(fault_vfs *vfs, cut_mode mode, uint64_t seed);
