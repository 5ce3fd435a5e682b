#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SESSION_ID_BYTES_MAX = 64, BATCH_BYTES_MAX = 65536 };

// Bytes that grow. Owned by whoever holds it, until release().
struct bytes {
    char *start;
    size_t count, capacity;
};

enum kind { LISTENER, CONTROL_LISTENER, CLIENT, MEMBER, ECHO, PUBLISHER, CLOSED };

struct connection {
    int fd;
    enum kind kind;
    // A member's session, and its place among the members.
    struct session *session;
    size_t place;
    // Received and not yet whole; written and not yet taken by the kernel.
    struct bytes partial, owed;
    // An engine's answers of this turn.
    struct bytes answers;
    struct connection *next_answering, *next_closed;
};

struct member {
    int fd;
    struct connection *connection;
};

// A publish of this turn that waits for its session to be flushed.
struct receipt {
    struct connection *engine;
    uint64_t sequence;
};

struct session {
    char id[SESSION_ID_BYTES_MAX + 1];
    uint64_t sequence;
    struct member *members;
    size_t count, capacity;
    // This turn's frames, joined, and who waits for them; only while coalescing.
    struct bytes batch;
    struct receipt *receipts;
    size_t receipt_count, receipt_capacity;
    struct session *next_dirty;
    int is_dirty;
};

struct floor {
    int epoll;
    int coalesces, echoes;
    struct session *dirty;
    struct connection *answering;
    struct connection *closed;
};

extern struct floor server;

void die(const char *what) __attribute__((noreturn));
void *grown(void *memory, size_t bytes);
void append(struct bytes *to, const void *from, size_t count);
void release(struct bytes *bytes);
void watch(struct connection *connection, int operation, uint32_t events);
// Sends now what the kernel takes, the rest when the socket is writable.
void send_all(struct connection *to, const void *bytes, size_t count);
void close_connection(struct connection *connection);

// protocol.c: what bytes mean. Returns how many were used.
size_t receive(struct connection *connection, char *bytes, size_t count);
// The head of an unmasked frame, 2 to 10 bytes.
size_t frame_head(unsigned char *head, unsigned opcode, size_t payload_bytes);

// sessions.c: who gets what.
struct session *session_named(const char *id, size_t bytes);
void join(struct connection *connection, struct session *session);
void leave(struct connection *connection);
void publish(struct session *session, struct connection *engine, const char *event, size_t bytes);
void answer(struct connection *engine, const char *body, size_t bytes);
void end_turn(void);
