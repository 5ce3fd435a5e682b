#pragma once
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// errno is a macro over a function that returns an address; Swift imports neither.
static inline int wsg_store_errno(void) { return errno; }

// open is variadic, which Swift does not import. A link in the file's place is refused: what it points to is not ours.
static inline int wsg_store_open_lock(const char *path) { return open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600); }
static inline int wsg_store_open_new(const char *path) { return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600); }
static inline int wsg_store_open_read(const char *path) { return open(path, O_RDONLY | O_CLOEXEC); }

// S_ISDIR is a macro, and the structure has the function's name.
static inline int wsg_store_is_directory(const char *path) {
    struct stat found;
    if (stat(path, &found) != 0) return -1;
    return S_ISDIR(found.st_mode) ? 1 : 0;
}

// A file's size in bytes; -1 where there is none.
static inline long long wsg_store_file_bytes(const char *path) {
    struct stat found;
    return stat(path, &found) == 0 ? (long long)found.st_size : -1;
}

// sqlite3_db_config is variadic, which Swift does not import. Whether the last connection's end writes the log into the file.
static inline int wsg_store_checkpoint_on_close(sqlite3 *database, int enabled) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, enabled ? 0 : 1, (int *)0);
}

// SQLITE_STATIC: SQLite reads the bytes where they are, until the statement has run.
static inline int wsg_store_bind_text(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
    return sqlite3_bind_text64(statement, index, bytes, count, SQLITE_STATIC, SQLITE_UTF8);
}

// SQLITE_TRANSIENT is a cast of -1 to a function. SQLite copies the bytes.
static inline int wsg_store_bind_text_copy(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
    return sqlite3_bind_text64(statement, index, bytes, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}
