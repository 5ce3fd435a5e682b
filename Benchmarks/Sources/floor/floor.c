// The floor: the least a server can do for the same work, in C over epoll. Real handshakes, real publishes over HTTP, events framed once, and
// then one non-blocking send of the shared bytes for each member. No limits, no time-outs, no TLS, no history, no checks beyond what keeps it
// from misreading its own load tool: what any gateway costs above it is what the gateway does for its users.
//
//   floor --ready-file FILE [--coalesce] [--echo]
//
//   (plain)      every publish is sent to its members at once: the send floor
//   --coalesce   all of a turn's publishes to a session are joined and sent at the turn's end: the coalescing floor
//   --echo       every message is sent back
//
// One process, one thread. Wire and answers as in docs/PROTOCOL.md, as far as `websocket-gateway load` and `probe` speak it.
#define _GNU_SOURCE
#include "floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURN_EVENTS_MAX = 1024 };

struct floor server;

static volatile sig_atomic_t ended;

static void end(int signal) {
    (void)signal;
    ended = 1;
}

void die(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

void *grown(void *memory, size_t bytes) {
    memory = realloc(memory, bytes);
    if (memory == NULL) die("memory");
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

void watch(struct connection *connection, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    if (epoll_ctl(server.epoll, operation, connection->fd, &event) != 0) die("epoll_ctl");
}

void send_all(struct connection *to, const void *bytes, size_t count) {
    ssize_t sent = 0;
    if (to->owed.count == 0) {
        sent = send(to->fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent == (ssize_t)count) return;
        if (sent < 0 && errno != EAGAIN) return; // its read will find it broken
        if (sent < 0) sent = 0;
        watch(to, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    append(&to->owed, (const char *)bytes + sent, count - (size_t)sent);
}

static void became_writable(struct connection *connection) {
    struct bytes *owed = &connection->owed;
    ssize_t sent = send(connection->fd, owed->start, owed->count, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent <= 0) return;
    memmove(owed->start, owed->start + sent, owed->count - (size_t)sent);
    owed->count -= (size_t)sent;
    if (owed->count > 0) return;
    release(owed);
    watch(connection, EPOLL_CTL_MOD, EPOLLIN);
}

void close_connection(struct connection *connection) {
    if (connection->kind == MEMBER) leave(connection);
    close(connection->fd);
    release(&connection->partial);
    release(&connection->owed);
    release(&connection->answers);
    // Another event of this turn may still point here: freed at its end.
    connection->kind = CLOSED;
    connection->next_closed = server.closed;
    server.closed = connection;
}

static struct connection *connection_of(int fd, enum kind kind) {
    struct connection *connection = grown(NULL, sizeof *connection);
    *connection = (struct connection){.fd = fd, .kind = kind};
    return connection;
}

static void accept_all(struct connection *listener) {
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(connection_of(fd, listener->kind == LISTENER ? CLIENT : PUBLISHER), EPOLL_CTL_ADD, EPOLLIN);
    }
}

// What one read brought, behind what the last one left unfinished. Most reads find nothing left, and nothing is copied.
static void became_readable(struct connection *connection) {
    static char buffer[65536];
    ssize_t got = recv(connection->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        close_connection(connection);
        return;
    }
    struct bytes *partial = &connection->partial;
    if (partial->count == 0) {
        size_t used = receive(connection, buffer, (size_t)got);
        if (connection->kind != CLOSED && used < (size_t)got) append(partial, buffer + used, (size_t)got - used);
        return;
    }
    append(partial, buffer, (size_t)got);
    size_t used = receive(connection, partial->start, partial->count);
    if (connection->kind == CLOSED) return;
    memmove(partial->start, partial->start + used, partial->count - used);
    partial->count -= used;
    if (partial->count == 0) release(partial);
}

static struct connection *listener(enum kind kind, int *port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) die("listen");
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0) die("getsockname");
    *port = ntohs(address.sin_port);
    return connection_of(fd, kind);
}

static void write_ready_file(const char *path, int public_port, int control_port) {
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *file = fopen(temporary, "w");
    if (file == NULL) die(temporary);
    fprintf(file, "{\"listen\":\"127.0.0.1:%d\",\"control\":\"127.0.0.1:%d\",\"pid\":%d}\n", public_port, control_port, getpid());
    if (fclose(file) != 0 || rename(temporary, path) != 0) die(path);
}

static void turn(void) {
    struct epoll_event events[TURN_EVENTS_MAX];
    int count = epoll_wait(server.epoll, events, TURN_EVENTS_MAX, -1);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (connection->kind == LISTENER || connection->kind == CONTROL_LISTENER) {
            accept_all(connection);
            continue;
        }
        if (connection->kind != CLOSED && events[i].events & EPOLLOUT) became_writable(connection);
        if (connection->kind != CLOSED && events[i].events & ~(uint32_t)EPOLLOUT) became_readable(connection);
    }
    end_turn();
    while (server.closed != NULL) {
        struct connection *next = server.closed->next_closed;
        free(server.closed);
        server.closed = next;
    }
}

int main(int count, char **arguments) {
    const char *ready_file = NULL;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--coalesce") == 0) server.coalesces = 1;
        else if (strcmp(arguments[i], "--echo") == 0) server.echoes = 1;
        else if (strcmp(arguments[i], "--ready-file") == 0 && i + 1 < count) ready_file = arguments[++i];
        else ready_file = NULL, i = count;
    }
    if (ready_file == NULL) {
        fprintf(stderr, "usage: floor --ready-file FILE [--coalesce] [--echo]\n");
        return 64;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = end}, NULL);

    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server.epoll < 0) die("epoll");
    int public_port, control_port;
    watch(listener(LISTENER, &public_port), EPOLL_CTL_ADD, EPOLLIN);
    watch(listener(CONTROL_LISTENER, &control_port), EPOLL_CTL_ADD, EPOLLIN);
    write_ready_file(ready_file, public_port, control_port);
    while (!ended) turn();
    return 0;
}
