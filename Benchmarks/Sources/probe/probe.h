#pragma once
#include <stddef.h>
#include <stdint.h>

enum { SERVERS_MAX = 64, RUN_SECONDS_MAX = 60 };

// Bytes that grow. Owned by whoever holds it, until release().
struct bytes {
    char *start;
    size_t count, capacity;
};

// What the command line says.
struct plan {
    char host[64];
    int port;
    const char *path;
    int servers[SERVERS_MAX], server_count;
    size_t connections, parallel, messages, message_bytes, in_flight;
    int deflates;
};

extern struct plan plan;

enum state { UPGRADING, OPEN, CLOSE_SENT, CLOSED_BY_BOTH };

struct client {
    int fd;
    enum state state;
    // From 1: what paths and complaints name it by.
    size_t number;
    // Monotonic, before its SYN.
    uint64_t began_ns;
    // Received and not yet whole; written and not yet taken by the kernel.
    struct bytes partial, owed;
    int awaits_writable;
    // For echo: messages sent and answered, and when those on their way were sent.
    size_t sent, answered;
    uint64_t *sent_ns;
};

// What a run is told of its clients.
struct handler {
    // The 101 is read.
    void (*opened)(struct client *client);
    // A message while it is open, with the first byte of its frame. Without this, messages are read and forgotten.
    void (*message)(struct client *client, unsigned char first, const char *payload, size_t bytes);
    // Both have sent Close, and the server has ended its stream.
    void (*ended)(struct client *client);
};

// How far the run is: operations done, of how many, and the word for them.
struct progress {
    size_t done, all;
    const char *what;
};

extern struct progress progress;

// probe.c
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void *grown(void *memory, size_t bytes);
void append(struct bytes *to, const void *from, size_t count);
void release(struct bytes *bytes);
uint64_t now_ns(void);
// When the run has to be over.
uint64_t deadline_ns(void);

// client.c
void clients_begin(const struct handler *handler);
// Waits for so many milliseconds at the most, handles what came, and says whether anything did. The run fails when its time is over.
int clients_turn(int milliseconds_max);
// Handles what comes until all that is to be done is done. The run fails when nothing comes for 10 s.
void clients_finish(void);
// To be polled, by who waits for something else besides.
int clients_fd(void);
// Connects, and asks for the upgrade.
void client_begin(struct client *client, size_t number);
// A text message, masked, behind what is owed: sent when the read is handled out of which this is called, or by client_flush().
void client_append_text(struct client *client, const char *payload, size_t bytes);
void client_flush(struct client *client);
// Sends Close 1000.
void client_close(struct client *client);

// server_usage.c
struct thread {
    int process, id;
    uint64_t ns;
};

struct usage {
    uint64_t at_ns, tool_ns;
    // CPU time of each thread of the servers.
    struct thread *threads;
    size_t thread_count;
    // Of their processes and of all of this machine's cores, in ticks of 10 ms.
    uint64_t user_ticks, system_ticks, busy_ticks;
};

struct spent {
    double server, user, system, busy, tool;
};

// Once the servers have come to rest: what they do for the last answer is not over when we have read it.
struct usage usage_at_rest(void);
// Seconds between two looks.
struct spent spent(const struct usage *before, const struct usage *after);
// Anonymous of /proc/PID/smaps_rollup, bytes, all servers together: without the program's own pages, which the first connection brings in from
// disk and the ten thousandth shares. What the kernel holds for their sockets is not in it.
uint64_t anonymous_bytes(void);

// report.c
void record(uint64_t nanoseconds);

struct report {
    // Of the work itself.
    double seconds;
    struct usage before, after;
    // Only hold has these.
    int has_memory, has_settled;
    uint64_t memory_before, memory_after;
};

void print_report(const struct report *report);

// echo.c, connect.c, hold.c
void echo_run(void);
void connect_run(void);
void hold_run(void);
