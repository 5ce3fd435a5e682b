#include "floor.h"

#include <stdio.h>
#include <sys/socket.h>

enum { TABLE_SLOTS = 131072, EVENT_BYTES_MAX = 1048576 };

static struct session *table[TABLE_SLOTS];
static size_t known;

struct session *session_named(const char *id, size_t bytes) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ (unsigned char)id[i]) * 16777619u;
    size_t slot = hash % TABLE_SLOTS;
    while (table[slot] != NULL) {
        if (strncmp(table[slot]->id, id, bytes) == 0 && table[slot]->id[bytes] == 0) return table[slot];
        slot = (slot + 1) % TABLE_SLOTS;
    }
    if (++known == TABLE_SLOTS) die("sessions");
    struct session *session = grown(NULL, sizeof *session);
    *session = (struct session){0};
    memcpy(session->id, id, bytes);
    table[slot] = session;
    return session;
}

void join(struct connection *connection, struct session *session) {
    if (session->count == session->capacity) {
        session->capacity = session->capacity == 0 ? 1 : session->capacity * 2;
        session->members = grown(session->members, session->capacity * sizeof *session->members);
    }
    connection->kind = MEMBER;
    connection->session = session;
    connection->place = session->count;
    session->members[session->count++] = (struct member){connection->fd, connection};
}

void leave(struct connection *connection) {
    struct session *session = connection->session;
    struct member last = session->members[--session->count];
    session->members[connection->place] = last;
    last.connection->place = connection->place;
}

// The loop that everything else is measured against. Returns how many did not take all of it.
static size_t send_to_members(struct session *session, const char *bytes, size_t count) {
    size_t behind = 0;
    const struct member *members = session->members;
    for (size_t i = 0; i < session->count; i++) {
        struct connection *connection = members[i].connection;
        ssize_t sent = -1;
        if (__builtin_expect(connection->owed.count == 0, 1)) sent = send(members[i].fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (__builtin_expect(sent == (ssize_t)count, 1)) continue;
        behind++;
        size_t taken = sent > 0 ? (size_t)sent : 0;
        send_all(connection, bytes + taken, count - taken);
    }
    return behind;
}

static void answer_receipt(struct session *session, struct connection *engine, uint64_t sequence, size_t behind) {
    char body[256];
    int bytes = snprintf(
        body, sizeof body, "{\"id\":\"floor00000000-%llu\",\"connections\":%zu,\"sent\":%zu,\"queued\":%zu,\"conflated\":0,\"dropped\":0}",
        (unsigned long long)sequence, session->count, session->count - behind, behind);
    answer(engine, body, (size_t)bytes);
}

// `event` is a publish's body, {"type":…,"data":…}: id and timestamp are put around what is in its braces.
static size_t encode(char *frame, uint64_t sequence, const char *event, size_t bytes) {
    static const char end[] = ",\"timestamp\":\"2026-01-01T00:00:00.000000Z\"}";
    char start[64];
    int start_bytes = snprintf(start, sizeof start, "{\"id\":\"floor00000000-%llu\",", (unsigned long long)sequence);
    size_t inside = bytes - 2;
    size_t at = frame_head((unsigned char *)frame, 1, (size_t)start_bytes + inside + sizeof end - 1);
    memcpy(frame + at, start, (size_t)start_bytes);
    at += (size_t)start_bytes;
    memcpy(frame + at, event + 1, inside);
    at += inside;
    memcpy(frame + at, end, sizeof end - 1);
    return at + sizeof end - 1;
}

static void flush(struct session *session) {
    size_t behind = send_to_members(session, session->batch.start, session->batch.count);
    for (size_t i = 0; i < session->receipt_count; i++) {
        answer_receipt(session, session->receipts[i].engine, session->receipts[i].sequence, behind);
    }
    session->batch.count = 0;
    session->receipt_count = 0;
}

void publish(struct session *session, struct connection *engine, const char *event, size_t bytes) {
    static char frame[EVENT_BYTES_MAX + 256];
    if (bytes < 2 || bytes > EVENT_BYTES_MAX) die("an event of such a size");
    size_t count = encode(frame, ++session->sequence, event, bytes);
    if (!server.coalesces) {
        answer_receipt(session, engine, session->sequence, send_to_members(session, frame, count));
        return;
    }
    if (session->batch.count > 0 && session->batch.count + count > BATCH_BYTES_MAX) flush(session);
    append(&session->batch, frame, count);
    if (session->receipt_count == session->receipt_capacity) {
        session->receipt_capacity = session->receipt_capacity == 0 ? 8 : session->receipt_capacity * 2;
        session->receipts = grown(session->receipts, session->receipt_capacity * sizeof *session->receipts);
    }
    session->receipts[session->receipt_count++] = (struct receipt){engine, session->sequence};
    if (!session->is_dirty) {
        session->is_dirty = 1;
        session->next_dirty = server.dirty;
        server.dirty = session;
    }
}

// Answers go out together at the turn's end, session by session: their order among sessions is not that of the requests, which a gateway
// must keep, and which the load tool, adding them up, does not look at.
void answer(struct connection *engine, const char *body, size_t bytes) {
    if (engine->answers.count == 0) {
        engine->next_answering = server.answering;
        server.answering = engine;
    }
    char head[96];
    int count = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", bytes);
    append(&engine->answers, head, (size_t)count);
    append(&engine->answers, body, bytes);
}

void end_turn(void) {
    struct session *reversed = NULL;
    while (server.dirty != NULL) {
        struct session *session = server.dirty;
        server.dirty = session->next_dirty;
        session->next_dirty = reversed;
        reversed = session;
    }
    for (; reversed != NULL; reversed = reversed->next_dirty) {
        reversed->is_dirty = 0;
        flush(reversed);
    }
    while (server.answering != NULL) {
        struct connection *engine = server.answering;
        server.answering = engine->next_answering;
        if (engine->kind == CLOSED) continue;
        send_all(engine, engine->answers.start, engine->answers.count);
        engine->answers.count = 0;
    }
}
