// A client for what `websocket-gateway load` does not do: it connects and closes, sends and is answered, or only holds connections, and
// says what that costs the server. epoll, one thread, loopback only.
//
//   probe echo --connect HOST:PORT --pid N… [--path /echo] [--connections 100] [--messages 200] [--bytes 64] [--in-flight 1]
//   probe connect --connect HOST:PORT --pid N… [--path /ws/backtest/probe] [--connections 2000] [--parallel 32]
//   probe hold --connect HOST:PORT --pid N… [--path /ws/backtest/probe] [--connections 10000] [--deflate]
//
//   echo      every connection sends text messages, the next one when the answer came (or so many ahead), and every byte of every answer
//             is checked; what is measured begins when all connections are open; an operation is a message
//   connect   connects, upgrades and closes, so many in all and so many at a time, as RFC 6455 §7.1.1 has it: the server ends first, so
//             its end of the connection lingers in TIME_WAIT, and not ours, which would keep the port; an operation is a connection
//   hold      opens all, waits until the server's memory stays the same for half a second, reports, and holds them until standard input
//             ends or SIGTERM comes; an operation is a connection opened
//
// `%d` in a path becomes the connection's number, from 1. Several --pid are added up. One JSON object on standard output; exit 1 and a line
// on standard error where a byte is wrong, an answer is missing, a connection is refused or 60 s are over.
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct plan plan;
struct progress progress;

static uint64_t began_ns;

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("probe: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void *grown(void *memory, size_t bytes) {
    memory = realloc(memory, bytes);
    if (memory == NULL) fail("memory is short");
    return memory;
}

void append(struct bytes *to, const void *from, size_t count) {
    if (to->count + count > to->capacity) {
        to->capacity = (to->count + count) * 2;
        to->start = grown(to->start, to->capacity);
    }
    memcpy(to->start + to->count, from, count);
    to->count += count;
}

void release(struct bytes *bytes) {
    free(bytes->start);
    *bytes = (struct bytes){0};
}

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t deadline_ns(void) { return began_ns + RUN_SECONDS_MAX * 1000000000ull; }

static void usage_error(const char *what) __attribute__((noreturn));
static void usage_error(const char *what) {
    fprintf(
        stderr,
        "probe: %s\n"
        "usage: probe echo --connect HOST:PORT --pid N [--path P] [--connections 100] [--messages 200] [--bytes 64] [--in-flight 1]\n"
        "       probe connect --connect HOST:PORT --pid N [--path P] [--connections 2000] [--parallel 32]\n"
        "       probe hold --connect HOST:PORT --pid N [--path P] [--connections 10000] [--deflate]\n",
        what);
    exit(64);
}

// A decimal number of `least` to `most`.
static size_t number(const char *text, size_t least, size_t most, const char *what) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != 0 || value < least || value > most) usage_error(what);
    return (size_t)value;
}

// Somebody else's machine is not measured, it is attacked.
static void set_target(const char *text) {
    const char *colon = strrchr(text, ':');
    struct in_addr address;
    if (colon == NULL || (size_t)(colon - text) >= sizeof plan.host) usage_error("--connect is HOST:PORT");
    memcpy(plan.host, text, (size_t)(colon - text));
    if (inet_pton(AF_INET, plan.host, &address) != 1 || ntohl(address.s_addr) >> 24 != 127) usage_error("--connect is in 127.0.0.0/8");
    plan.port = (int)number(colon + 1, 1, 65535, "--connect has a port of 1 to 65535");
}

struct mode {
    const char *name, *flags;
    void (*run)(void);
    struct plan defaults;
};

static const struct mode modes[] = {
    {"echo", "--connect --pid --path --connections --messages --bytes --in-flight ", echo_run,
     {.path = "/echo", .connections = 100, .messages = 200, .message_bytes = 64, .in_flight = 1}},
    {"connect", "--connect --pid --path --connections --parallel ", connect_run,
     {.path = "/ws/backtest/probe", .connections = 2000, .parallel = 32}},
    {"hold", "--connect --pid --path --connections --deflate ", hold_run,
     {.path = "/ws/backtest/probe", .connections = 10000, .parallel = 32}},
};

static int takes(const struct mode *mode, const char *flag) {
    const char *at = strstr(mode->flags, flag);
    return at != NULL && at[strlen(flag)] == ' ' && strncmp(flag, "--", 2) == 0;
}

static void set(const char *flag, const char *value) {
    if (strcmp(flag, "--connect") == 0) set_target(value);
    else if (strcmp(flag, "--path") == 0) plan.path = value;
    else if (strcmp(flag, "--connections") == 0) plan.connections = number(value, 1, 1000000, "--connections is 1 to 1000000");
    else if (strcmp(flag, "--parallel") == 0) plan.parallel = number(value, 1, 1000, "--parallel is 1 to 1000");
    else if (strcmp(flag, "--messages") == 0) plan.messages = number(value, 1, 1000000, "--messages is 1 to 1000000");
    else if (strcmp(flag, "--bytes") == 0) plan.message_bytes = number(value, 1, 65535, "--bytes is 1 to 65535");
    else if (strcmp(flag, "--in-flight") == 0) plan.in_flight = number(value, 1, 512, "--in-flight is 1 to 512");
    else if (plan.server_count == SERVERS_MAX) usage_error("too many --pid");
    else plan.servers[plan.server_count++] = (int)number(value, 1, 4194304, "--pid is a process");
}

static const struct mode *parse(int count, char **arguments) {
    const struct mode *mode = NULL;
    for (size_t i = 0; i < sizeof modes / sizeof *modes && count > 1; i++) {
        if (strcmp(arguments[1], modes[i].name) == 0) mode = &modes[i];
    }
    if (mode == NULL) usage_error("echo, connect or hold?");
    plan = mode->defaults;
    for (int i = 2; i < count; i++) {
        const char *flag = arguments[i];
        if (!takes(mode, flag)) usage_error(flag);
        if (strcmp(flag, "--deflate") == 0) plan.deflates = 1;
        else if (i + 1 == count) usage_error(flag);
        else set(flag, arguments[++i]);
    }
    if (plan.port == 0) usage_error("--connect is missing");
    if (plan.server_count == 0) usage_error("--pid is missing");
    if (plan.path[0] != '/' || strlen(plan.path) > 512 || strpbrk(plan.path, " \r\n") != NULL) {
        usage_error("--path begins with /, has no spaces and at most 512 bytes");
    }
    return mode;
}

static void raise_descriptors(size_t connections) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < connections + 32) fail("%zu connections need more descriptors than %zu", connections, (size_t)files.rlim_cur);
}

int main(int count, char **arguments) {
    began_ns = now_ns();
    const struct mode *mode = parse(count, arguments);
    raise_descriptors(mode->run == connect_run ? plan.parallel : plan.connections);
    mode->run();
    return 0;
}
