#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SILENT_SECONDS_MAX = 10, TURN_EVENTS_MAX = 1024, HEAD_BYTES_MAX = 16384, MESSAGE_BYTES_MAX = 1 << 20 };
enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

// Those of RFC 6455 §1.3: a server has the same work with a key that was asked before.
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==", accept_value[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static const struct handler *handler;
static int epoll;
static struct sockaddr_in target;

void clients_begin(const struct handler *to_tell) {
    handler = to_tell;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) fail("epoll: %s", strerror(errno));
    target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)plan.port)};
    inet_pton(AF_INET, plan.host, &target.sin_addr);
}

int clients_fd(void) { return epoll; }

static void complain(const struct client *client, const char *what) __attribute__((noreturn));
static void complain(const struct client *client, const char *what) { fail("connection %zu: %s", client->number, what); }

static void watch(struct client *client, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    if (epoll_ctl(epoll, operation, client->fd, &event) != 0) fail("epoll_ctl: %s", strerror(errno));
}

void client_flush(struct client *client) {
    struct bytes *owed = &client->owed;
    if (owed->count > 0) {
        ssize_t sent = send(client->fd, owed->start, owed->count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN) complain(client, strerror(errno));
        if (sent < 0) sent = 0;
        memmove(owed->start, owed->start + sent, owed->count - (size_t)sent);
        owed->count -= (size_t)sent;
    }
    int awaits_writable = owed->count > 0;
    if (awaits_writable != client->awaits_writable) watch(client, EPOLL_CTL_MOD, awaits_writable ? EPOLLIN | EPOLLOUT : EPOLLIN);
    client->awaits_writable = awaits_writable;
}

// What a browser sends, ten fields, and an eleventh where compression is offered.
static void ask_for_upgrade(struct client *client) {
    char path[600], request[2048];
    const char *place = strstr(plan.path, "%d");
    if (place == NULL) snprintf(path, sizeof path, "%s", plan.path);
    else snprintf(path, sizeof path, "%.*s%zu%s", (int)(place - plan.path), plan.path, client->number, place + 2);
    int bytes = snprintf(
        request, sizeof request,
        "GET %s HTTP/1.1\r\n"
        "Host: %s:%d\r\n"
        "Connection: Upgrade\r\n"
        "Cache-Control: no-cache\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n"
        "Upgrade: websocket\r\n"
        "Origin: http://%s:%d\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Accept-Encoding: gzip, deflate, br, zstd\r\n"
        "Accept-Language: en-GB,en;q=0.9\r\n"
        "Sec-WebSocket-Key: %s\r\n"
        "%s\r\n",
        path, plan.host, plan.port, plan.host, plan.port, key,
        plan.deflates ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "");
    append(&client->owed, request, (size_t)bytes);
    client_flush(client);
}

void client_begin(struct client *client, size_t number) {
    client->number = number;
    client->state = UPGRADING;
    client->partial.count = client->owed.count = 0;
    client->awaits_writable = 0;
    client->began_ns = now_ns();
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0) fail("socket: %s", strerror(errno));
    // On one machine the kernel connects at once, whatever the server does, unless its backlog is full.
    struct timeval patience = {.tv_sec = SILENT_SECONDS_MAX};
    int on = 1;
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(client->fd, (struct sockaddr *)&target, sizeof target) != 0) {
        if (errno == EADDRNOTAVAIL) complain(client, "no port is left: connections in TIME_WAIT have them all");
        if (errno == EINPROGRESS) complain(client, "the server's backlog is full and it accepts nothing");
        fail("connection %zu to %s:%d: %s", number, plan.host, plan.port, strerror(errno));
    }
    watch(client, EPOLL_CTL_ADD, EPOLLIN);
    ask_for_upgrade(client);
}

static void append_frame(struct client *client, unsigned opcode, const char *payload, size_t bytes) {
    static uint32_t random = 2463534242u;
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    int is_short = bytes < 126;
    unsigned char head[] = {(unsigned char)(0x80 | opcode), (unsigned char)(0x80 | (is_short ? bytes : 126)), (unsigned char)(bytes >> 8),
                            (unsigned char)bytes};
    unsigned char mask[4];
    memcpy(mask, &random, sizeof mask);
    append(&client->owed, head, is_short ? 2 : 4);
    append(&client->owed, mask, sizeof mask);
    append(&client->owed, payload, bytes);
    unsigned char *masked = (unsigned char *)client->owed.start + client->owed.count - bytes;
    for (size_t i = 0; i < bytes; i++) masked[i] ^= mask[i & 3];
}

void client_append_text(struct client *client, const char *payload, size_t bytes) { append_frame(client, TEXT, payload, bytes); }

void client_close(struct client *client) {
    append_frame(client, CLOSE, "\x03\xe8", 2);
    client->state = CLOSE_SENT;
    client_flush(client);
}

// The value of a field of a head; the head ends with an empty line, so every value has an end.
static const char *field(const char *head, size_t bytes, const char *line_start, size_t *length) {
    for (const char *line = memchr(head, '\n', bytes); line != NULL; line = memchr(line, '\n', bytes - (size_t)(line - head))) {
        line++;
        size_t left = bytes - (size_t)(line - head), name = strlen(line_start);
        if (left <= name || strncasecmp(line, line_start, name) != 0) continue;
        const char *value = line + name;
        while (*value == ' ') value++;
        *length = (size_t)((const char *)memchr(value, '\r', bytes - (size_t)(value - head)) - value);
        return value;
    }
    return NULL;
}

static size_t receive_upgrade(struct client *client, const char *bytes, size_t count) {
    const char *end = memmem(bytes, count, "\r\n\r\n", 4);
    if (end == NULL) {
        if (count > HEAD_BYTES_MAX) complain(client, "the answer to the upgrade has no end");
        return 0;
    }
    size_t head = (size_t)(end - bytes) + 4, length = 0;
    if (strncmp(bytes, "HTTP/1.1 101 ", 13) != 0) {
        int line = (int)strcspn(bytes, "\r\n"), body = count - head < 300 ? (int)(count - head) : 300;
        fail("connection %zu was refused: %.*s %.*s", client->number, line, bytes, body, end + 4);
    }
    const char *value = field(bytes, head, "sec-websocket-accept:", &length);
    if (value == NULL || length != sizeof accept_value - 1 || memcmp(value, accept_value, length) != 0) {
        complain(client, "Sec-WebSocket-Accept is wrong");
    }
    if (plan.deflates) {
        value = field(bytes, head, "sec-websocket-extensions:", &length);
        if (value == NULL || strncmp(value, "permessage-deflate", 18) != 0) complain(client, "the server declined permessage-deflate");
    }
    client->state = OPEN;
    handler->opened(client);
    return head;
}

// An unmasked frame; 0 when it is not all there.
static size_t receive_frame(struct client *client, const char *bytes, size_t count) {
    const unsigned char *head = (const unsigned char *)bytes;
    if (count < 2) return 0;
    if (head[1] & 0x80) complain(client, "a masked frame");
    if (!(head[0] & 0x80)) complain(client, "a fragment");
    size_t payload = head[1], head_bytes = 2;
    if (payload >= 126) {
        head_bytes = payload == 126 ? 4 : 10;
        if (count < head_bytes) return 0;
        payload = 0;
        for (size_t i = 2; i < head_bytes; i++) payload = payload << 8 | head[i];
    }
    if (payload > MESSAGE_BYTES_MAX) complain(client, "a frame of more than 1 MiB");
    if (count - head_bytes < payload) return 0;
    const char *start = bytes + head_bytes;
    switch (head[0] & 0x0F) {
    case TEXT:
    case BINARY:
        if (client->state == OPEN && handler->message != NULL) handler->message(client, head[0], start, payload);
        break;
    case CLOSE: {
        int code = payload < 2 ? 1005 : (unsigned char)start[0] << 8 | (unsigned char)start[1];
        if (client->state != CLOSE_SENT) fail("connection %zu was closed with %d", client->number, code);
        if (code != 1000) fail("connection %zu: our Close was answered with %d instead of 1000", client->number, code);
        client->state = CLOSED_BY_BOTH;
        break;
    }
    case PING:
        if (client->state == OPEN) append_frame(client, PONG, start, payload);
        break;
    case PONG: break;
    default: complain(client, "a frame of an unknown kind");
    }
    return head_bytes + payload;
}

static size_t receive(struct client *client, const char *bytes, size_t count) {
    size_t used = 0, more = 1;
    while (more > 0 && used < count) {
        switch (client->state) {
        case UPGRADING: more = receive_upgrade(client, bytes + used, count - used); break;
        case OPEN:
        case CLOSE_SENT: more = receive_frame(client, bytes + used, count - used); break;
        case CLOSED_BY_BOTH: complain(client, "there is something behind the server's Close");
        }
        used += more;
    }
    return used;
}

static void end(struct client *client) {
    if (client->state == UPGRADING) complain(client, "ended by the server before its upgrade");
    if (client->state != CLOSED_BY_BOTH) complain(client, "ended by the server without a Close");
    close(client->fd);
    handler->ended(client);
}

static void became_readable(struct client *client) {
    static char buffer[262144];
    ssize_t got = recv(client->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) complain(client, strerror(errno));
    if (got == 0) {
        end(client);
        return;
    }
    // Most reads find nothing left of the last one, and nothing is copied.
    struct bytes *partial = &client->partial;
    if (partial->count == 0) {
        size_t used = receive(client, buffer, (size_t)got);
        if (used < (size_t)got) append(partial, buffer + used, (size_t)got - used);
    } else {
        append(partial, buffer, (size_t)got);
        size_t used = receive(client, partial->start, partial->count);
        memmove(partial->start, partial->start + used, partial->count - used);
        partial->count -= used;
    }
    client_flush(client);
}

int clients_turn(int milliseconds_max) {
    struct epoll_event events[TURN_EVENTS_MAX];
    if (now_ns() >= deadline_ns()) fail("%zu of %zu %s after %d s", progress.done, progress.all, progress.what, RUN_SECONDS_MAX);
    int count = epoll_wait(epoll, events, TURN_EVENTS_MAX, milliseconds_max);
    if (count < 0 && errno != EINTR) fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;
        if (events[i].events & EPOLLOUT) client_flush(client);
        if (events[i].events & ~(uint32_t)EPOLLOUT) became_readable(client);
    }
    return count > 0;
}

void clients_finish(void) {
    while (progress.done < progress.all) {
        if (clients_turn(SILENT_SECONDS_MAX * 1000)) continue;
        fail("%zu of %zu %s, and nothing came for %d s", progress.done, progress.all, progress.what, SILENT_SECONDS_MAX);
    }
}
