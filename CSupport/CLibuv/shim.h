#pragma once
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#if defined(__linux__)
#include <linux/sockios.h>
#include <sys/syscall.h>
#endif
#include <unistd.h>
#include <uv.h>

// errno is a macro over a function that returns an address; Swift imports neither.
static inline int wsg_errno(void) { return errno; }

// uv_loop_configure is variadic, which Swift does not import.
static inline int wsg_loop_measure_idle_time(uv_loop_t *loop) { return uv_loop_configure(loop, UV_METRICS_IDLE_TIME); }

#if defined(__linux__)
// What is called for each connection or message is called by number here: glibc's functions are cancellation points, and in a process with threads 47 of
// the 58 instructions of a send are spent on that. No thread of ours is ever cancelled.
static inline int wsg_accept(int fd, struct sockaddr *address, socklen_t *length) {
    return (int)syscall(SYS_accept4, fd, address, length, 04000 | 02000000 /* SOCK_NONBLOCK | SOCK_CLOEXEC, an enum there */);
}
#else
// macOS has no accept4: the flags are set one by one.
static inline int wsg_accept(int fd, struct sockaddr *address, socklen_t *length) {
    int accepted = accept(fd, address, length);
    if (accepted >= 0) {
        fcntl(accepted, F_SETFL, O_NONBLOCK);
        fcntl(accepted, F_SETFD, FD_CLOEXEC);
    }
    return accepted;
}
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
// The flags are C enums, and a send that raises SIGPIPE or blocks is never what a loop wants.
static inline ssize_t wsg_send(int fd, const void *bytes, size_t count) {
#if defined(__linux__)
    return syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
#else
    return send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
#endif
}

static inline ssize_t wsg_receive(int fd, void *bytes, size_t count) {
#if defined(__linux__)
    return syscall(SYS_recvfrom, fd, bytes, count, 0, NULL, NULL);
#else
    return recv(fd, bytes, count, 0);
#endif
}

// A send whose bytes may wait for the FIN of the close that follows: both leave in one packet, where the system can.
static inline ssize_t wsg_send_last(int fd, const void *bytes, size_t count) {
#if defined(__linux__)
    return syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT | MSG_MORE, NULL, 0);
#else
    return wsg_send(fd, bytes, count);
#endif
}

static inline int wsg_close(int fd) {
#if defined(__linux__)
    return (int)syscall(SYS_close, fd);
#else
    return close(fd);
#endif
}

// SOCK_STREAM is an enum in glibc and a macro elsewhere.
static inline int wsg_stream_socket(int family) {
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd >= 0) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    return fd;
}

// fcntl is variadic, which Swift does not import.
static inline int wsg_duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }

// S_ISSOCK is a macro with a parameter.
static inline int wsg_is_socket(const struct stat *status) { return S_ISSOCK(status->st_mode); }

// RLIMIT_NOFILE is an enum in glibc, typed differently from setrlimit's parameter.
static inline int wsg_file_limit(struct rlimit *limit) { return getrlimit(RLIMIT_NOFILE, limit); }
static inline int wsg_set_file_limit(const struct rlimit *limit) { return setrlimit(RLIMIT_NOFILE, limit); }

// SHUT_WR likewise.
static inline int wsg_shutdown_write(int fd) { return shutdown(fd, SHUT_WR); }

// open is variadic, which Swift does not import.
static inline int wsg_open_read(const char *path) { return open(path, O_RDONLY | O_CLOEXEC); }
static inline int wsg_open_directory(const char *path) { return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }
static inline int wsg_open_write(const char *path) { return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644); }

// ioctl is variadic, which Swift does not import. What a socket's send queue holds that was never sent; -1 where the system does not tell.
static inline int wsg_unsent_bytes(int fd) {
#if defined(__linux__)
    int bytes = -1;
    return ioctl(fd, SIOCOUTQNSD, &bytes) == 0 ? bytes : -1;
#else
    (void)fd;
    return -1;
#endif
}

// TCP_USER_TIMEOUT is Linux's: what was sent and not acknowledged for so long ends the connection.
static inline void wsg_user_timeout(int fd, int milliseconds) {
#if defined(__linux__)
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
#else
    (void)fd;
    (void)milliseconds;
#endif
}

// glibc's malloc takes memory for a thread that is not the main one page by page, with a call to the kernel for each: M_TOP_PAD is the main thread's
// alone. What is asked for and given back at once stays with the thread, and is where the next pages come from. They are made together too, where the
// system can (Linux 5.14): by themselves each would be a fault of its own.
static inline void wsg_widen_heap(size_t bytes) {
    void *volatile room = malloc(bytes);
#if defined(__linux__)
    uintptr_t start = ((uintptr_t)room + 4095) & ~(uintptr_t)4095;
    if (room != NULL && bytes > 8192) madvise((void *)start, (bytes - 4096) & ~(size_t)4095, 23 /* MADV_POPULATE_WRITE */);
#endif
    free(room);
}

// ioctl is variadic, which Swift does not import. 0 where the descriptor is no terminal.
static inline int wsg_terminal_columns(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// poll's structure and constants have other types on every system.
static inline int wsg_wait_until_writable(int fd) {
    struct pollfd waiting = {.fd = fd, .events = POLLOUT};
    return poll(&waiting, 1, -1);
}
