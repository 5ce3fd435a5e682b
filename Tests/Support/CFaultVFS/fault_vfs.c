#include "CFaultVFS.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// One write or truncation that was not synced: how to undo it, and how to do it again.
typedef struct change {
    struct change *earlier;
    sqlite3_int64 offset;
    // -1: a truncation to `offset`.
    int count;
    unsigned char *bytes;
    // What was there before, from `offset` on, and the file's size then.
    unsigned char *old;
    sqlite3_int64 old_count;
    sqlite3_int64 old_size;
} change;

// A file on disk: it stays when it is closed.
typedef struct disk_file {
    struct disk_file *next;
    char *path;
    change *latest;
} disk_file;

struct fault_vfs {
    sqlite3_vfs vfs;
    sqlite3_vfs *system;
    disk_file *files;
    long counts[4];
    long due[4];
    fault_kind kind;
    int is_powerless;
};

typedef struct {
    sqlite3_file file;
    fault_vfs *vfs;
    disk_file *disk;
    sqlite3_file *system;
} fault_file;

static fault_file *of(sqlite3_file *file) { return (fault_file *)file; }

// MARK: What is on disk and what is not

static void forget(change *latest) {
    while (latest) {
        change *earlier = latest->earlier;
        free(latest->bytes);
        free(latest->old);
        free(latest);
        latest = earlier;
    }
}

static disk_file *find(fault_vfs *vfs, const char *path) {
    for (disk_file *file = vfs->files; file; file = file->next)
        if (strcmp(file->path, path) == 0) return file;
    disk_file *file = calloc(1, sizeof *file);
    file->path = strdup(path);
    file->next = vfs->files;
    vfs->files = file;
    return file;
}

static void remember(fault_file *f, sqlite3_int64 offset, const void *bytes, int count) {
    if (!f->disk) return;
    change *it = calloc(1, sizeof *it);
    it->offset = offset;
    it->count = count;
    f->system->pMethods->xFileSize(f->system, &it->old_size);
    sqlite3_int64 end = count < 0 ? it->old_size : offset + count;
    if (end > it->old_size) end = it->old_size;
    it->old_count = end > offset ? end - offset : 0;
    it->old = malloc((size_t)it->old_count + 1);
    if (it->old_count) f->system->pMethods->xRead(f->system, it->old, (int)it->old_count, offset);
    if (count >= 0) {
        it->bytes = malloc((size_t)count + 1);
        memcpy(it->bytes, bytes, (size_t)count);
    }
    it->earlier = f->disk->latest;
    f->disk->latest = it;
}

static uint64_t next_random(uint64_t *state) {
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

static int write_all(int fd, const unsigned char *bytes, sqlite3_int64 count, sqlite3_int64 offset) {
    while (count > 0) {
        ssize_t written = pwrite(fd, bytes, (size_t)count, offset);
        if (written <= 0) return -1;
        bytes += written, count -= written, offset += written;
    }
    return 0;
}

static int again(int fd, const change *it, cut_mode mode, int is_last, uint64_t *random) {
    if (it->count < 0) return mode == CUT_SECTORS && next_random(random) % 2 ? 0 : ftruncate(fd, it->offset);
    if (mode == CUT_PREFIX) {
        int count = is_last ? (int)(next_random(random) % ((uint64_t)it->count + 1)) : it->count;
        return write_all(fd, it->bytes, count, it->offset);
    }
    for (int from = 0; from < it->count; from += 512) {
        int count = it->count - from < 512 ? it->count - from : 512;
        if (next_random(random) % 2 && write_all(fd, it->bytes + from, count, it->offset + from)) return -1;
    }
    return 0;
}

// Back to what the last sync left, and from there some of the way again.
static int restore(disk_file *file, cut_mode mode, uint64_t *random) {
    long count = 0;
    for (change *it = file->latest; it; it = it->earlier) count++;
    if (count == 0) return 0;
    // A file that was deleted since is gone for good.
    int fd = open(file->path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return 0;
    int failed = 0;
    change **changes = malloc((size_t)count * sizeof *changes);
    long index = count;
    for (change *it = file->latest; it; it = it->earlier) {
        changes[--index] = it;
        failed |= write_all(fd, it->old, it->old_count, it->offset) || ftruncate(fd, it->old_size);
    }
    long kept = mode == CUT_NOTHING ? 0 : mode == CUT_SECTORS ? count : (long)(next_random(random) % ((uint64_t)count + 1));
    for (index = 0; index < kept; index++) failed |= again(fd, changes[index], mode, index == kept - 1, random);
    free(changes);
    close(fd);
    return failed ? -1 : 0;
}

int fault_vfs_cut_power(fault_vfs *vfs, cut_mode mode, uint64_t seed) {
    int failed = 0;
    for (disk_file *file = vfs->files; file; file = file->next) {
        failed |= restore(file, mode, &seed);
        forget(file->latest);
        file->latest = NULL;
    }
    vfs->is_powerless = 0;
    memset(vfs->due, 0, sizeof vfs->due);
    return failed;
}

// MARK: Faults

// SQLITE_OK, or what the operation fails with.
static int fault(fault_vfs *vfs, fault_operation operation) {
    static const int codes[] = {SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_IOERR_TRUNCATE};
    int is_due = 0;
    vfs->counts[operation]++;
    vfs->counts[FAULT_CHANGE]++;
    if (vfs->due[operation] && --vfs->due[operation] == 0) is_due = 1;
    if (vfs->due[FAULT_CHANGE] && --vfs->due[FAULT_CHANGE] == 0) is_due = 1;
    if (is_due && vfs->kind == FAULT_POWER) vfs->is_powerless = 1;
    if (vfs->is_powerless) return codes[operation];
    if (!is_due) return SQLITE_OK;
    return vfs->kind == FAULT_FULL ? SQLITE_FULL : codes[operation];
}

void fault_vfs_fail(fault_vfs *vfs, fault_operation operation, long nth, fault_kind kind) {
    vfs->due[operation] = nth;
    vfs->kind = kind;
}

long fault_vfs_count(const fault_vfs *vfs, fault_operation operation) { return vfs->counts[operation]; }

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    fault_file *f = of(file);
    int was_powerless = f->vfs->is_powerless;
    int code = fault(f->vfs, FAULT_WRITE);
    if (was_powerless) return code;
    // Of a write that fails half is done, in the order of bytes: as when the disk fills up, or the power goes.
    if (code != SQLITE_OK) count /= 2;
    remember(f, offset, bytes, count);
    int written = f->system->pMethods->xWrite(f->system, bytes, count, offset);
    return code != SQLITE_OK ? code : written;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    fault_file *f = of(file);
    int code = fault(f->vfs, FAULT_TRUNCATE);
    if (code != SQLITE_OK) return code;
    remember(f, size, NULL, -1);
    return f->system->pMethods->xTruncate(f->system, size);
}

static int file_sync(sqlite3_file *file, int flags) {
    fault_file *f = of(file);
    int code = fault(f->vfs, FAULT_SYNC);
    if (code != SQLITE_OK) return code;
    if (f->disk) {
        forget(f->disk->latest);
        f->disk->latest = NULL;
    }
    return f->system->pMethods->xSync(f->system, flags);
}

// MARK: Passed on

static int file_close(sqlite3_file *file) {
    fault_file *f = of(file);
    return f->system->pMethods ? f->system->pMethods->xClose(f->system) : SQLITE_OK;
}
static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    return of(file)->system->pMethods->xRead(of(file)->system, bytes, count, offset);
}
static int file_size(sqlite3_file *file, sqlite3_int64 *size) { return of(file)->system->pMethods->xFileSize(of(file)->system, size); }
static int file_lock(sqlite3_file *file, int level) { return of(file)->system->pMethods->xLock(of(file)->system, level); }
static int file_unlock(sqlite3_file *file, int level) { return of(file)->system->pMethods->xUnlock(of(file)->system, level); }
static int file_check(sqlite3_file *file, int *held) { return of(file)->system->pMethods->xCheckReservedLock(of(file)->system, held); }
static int file_control(sqlite3_file *file, int what, void *argument) {
    return of(file)->system->pMethods->xFileControl(of(file)->system, what, argument);
}
static int file_sector(sqlite3_file *file) { return of(file)->system->pMethods->xSectorSize(of(file)->system); }
static int file_device(sqlite3_file *file) { return of(file)->system->pMethods->xDeviceCharacteristics(of(file)->system); }
static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
    return of(file)->system->pMethods->xShmMap(of(file)->system, page, size, extend, memory);
}
static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return of(file)->system->pMethods->xShmLock(of(file)->system, offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *file) { of(file)->system->pMethods->xShmBarrier(of(file)->system); }
static int file_shm_unmap(sqlite3_file *file, int delete) { return of(file)->system->pMethods->xShmUnmap(of(file)->system, delete); }

// The second version: without memory maps of the file, whose writes would not pass here.
static const sqlite3_io_methods methods = {
    2,         file_close,    file_read,   file_write,   file_truncate, file_sync,    file_size,    file_lock,        file_unlock,
    file_check, file_control, file_sector, file_device, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags, int *out) {
    fault_vfs *own = (fault_vfs *)vfs;
    fault_file *f = of(file);
    f->file.pMethods = NULL;
    f->vfs = own;
    f->system = (sqlite3_file *)(f + 1);
    f->system->pMethods = NULL;
    int kept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
    f->disk = path && flags & kept ? find(own, path) : NULL;
    int code = own->system->xOpen(own->system, path, f->system, flags, out);
    if (code == SQLITE_OK) f->file.pMethods = &methods;
    return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync) {
    fault_vfs *own = (fault_vfs *)vfs;
    if (own->is_powerless) return SQLITE_IOERR_DELETE;
    disk_file *file = find(own, path);
    forget(file->latest);
    file->latest = NULL;
    return own->system->xDelete(own->system, path, sync);
}

static sqlite3_vfs *below(sqlite3_vfs *vfs) { return ((fault_vfs *)vfs)->system; }
static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out) { return below(vfs)->xAccess(below(vfs), path, flags, out); }
static int vfs_full(sqlite3_vfs *vfs, const char *path, int count, char *out) { return below(vfs)->xFullPathname(below(vfs), path, count, out); }
static int vfs_random(sqlite3_vfs *vfs, int count, char *out) { return below(vfs)->xRandomness(below(vfs), count, out); }
static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) { return below(vfs)->xSleep(below(vfs), microseconds); }
static int vfs_time(sqlite3_vfs *vfs, double *now) { return below(vfs)->xCurrentTime(below(vfs), now); }
static int vfs_error(sqlite3_vfs *vfs, int count, char *out) { return below(vfs)->xGetLastError(below(vfs), count, out); }
static int vfs_time64(sqlite3_vfs *vfs, sqlite3_int64 *now) { return below(vfs)->xCurrentTimeInt64(below(vfs), now); }

fault_vfs *fault_vfs_create(const char *name) {
    fault_vfs *own = calloc(1, sizeof *own);
    own->system = sqlite3_vfs_find(NULL);
    own->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = (int)sizeof(fault_file) + own->system->szOsFile,
        .mxPathname = own->system->mxPathname,
        .zName = strdup(name),
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_error,
        .xCurrentTimeInt64 = vfs_time64,
    };
    sqlite3_vfs_register(&own->vfs, 0);
    return own;
}

void fault_vfs_destroy(fault_vfs *own) {
    sqlite3_vfs_unregister(&own->vfs);
    while (own->files) {
        disk_file *next = own->files->next;
        forget(own->files->latest);
        free(own->files->path);
        free(own->files);
        own->files = next;
    }
    free((char *)own->vfs.zName);
    free(own);
}
