// Publishes the same events through pipelined connections to the gateway (HTTP, or its engine link) or to Redis (XADD, then PUBLISH), with subscribers that get
// each of them, and says how long it took. Every answer and every delivery is checked; anything amiss ends it with 1.
//
//   pipeliner gateway|link|redis CONTROL_PORT LISTEN_PORT NAME PUBLISHERS WINDOW SUBSCRIBERS EVENTS [keys] [sessions=N]
//
// NAME is a new session (stream, channel), or with `sessions` NAME-0, NAME-1, …, of SUBSCRIBERS each, that a publisher publishes to in turn;
// EVENTS are shared out evenly; a publisher has WINDOW events without an answer. With `keys` each publish has an Idempotency-Key. Prints {"acknowledged_seconds", "delivered_seconds", "cpu_seconds"}: from the first byte sent to the last
// answer, to the last delivery; and what this process used of a core itself.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENT_BYTES = 256, REQUEST_BYTES_MAX = 1024, INPUT_BYTES = 1 << 20, PEERS_MAX = 256, SESSIONS_MAX = 128, SECONDS_MAX = 60, KEPT = 10000 };

struct peer {
    int fd, is_publisher;
    char *in;
    size_t in_count;
    char *out;
    size_t out_count, out_sent;
    long sent, answered, received;
    // The sequence of the newest event of each session, in an answer or a delivery.
    unsigned long newest[SESSIONS_MAX];
    // A subscriber's.
    int session;
    // Redis: the XADD is answered, its PUBLISH is not.
    int is_half_answered;
};

static const char *name;
static char names[SESSIONS_MAX][80];
static int is_redis, is_link, has_keys, subscribers, sessions = 1;
static long window, quota;
static struct peer peers[PEERS_MAX];
// What a Redis subscriber gets before each event.
static char message_head[256];
static size_t message_head_count;

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("pipeliner: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int connected(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("cannot connect to port %d: %s", port, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

// Publishing

static size_t event(char *to, long number) {
    int head = sprintf(to, "{\"type\":\"candle\",\"data\":{\"n\":%010ld,\"p\":\"", 1000000000 + number);
    memset(to + head, 'x', (size_t)(EVENT_BYTES - head - 3));
    memcpy(to + EVENT_BYTES - 3, "\"}}", 3);
    return EVENT_BYTES;
}

static void add_request(struct peer *peer) {
    char *to = peer->out + peer->out_count;
    const char *name = names[peer->sent % sessions];
    if (is_redis) {
        char body[EVENT_BYTES];
        event(body, peer->sent);
        to += sprintf(
            to, "*8\r\n$4\r\nXADD\r\n$%zu\r\n%s\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$5\r\n%d\r\n$1\r\n*\r\n$1\r\ne\r\n$%d\r\n%.*s\r\n", strlen(name), name,
            KEPT, EVENT_BYTES, EVENT_BYTES, body);
        to += sprintf(to, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%d\r\n%.*s\r\n", strlen(name), name, EVENT_BYTES, EVENT_BYTES, body);
    } else if (is_link) {
        char message[REQUEST_BYTES_MAX];
        int count = sprintf(message, "{\"op\":\"publish\",\"ref\":%ld,\"session_id\":\"%s\",", peer->sent, name);
        if (has_keys) count += sprintf(message + count, "\"key\":\"%d-%ld\",", peer->fd, peer->sent);
        count += sprintf(message + count, "\"event\":");
        count += (int)event(message + count, peer->sent);
        message[count++] = '}';
        // Masked with a key that changes the bytes: unmasking is part of what the gateway does.
        unsigned char head[8] = {0x81, 0xfe, (unsigned char)(count >> 8), (unsigned char)count, 0x5a, 0xa5, 0x3c, 0xc3};
        memcpy(to, head, sizeof head);
        for (int i = 0; i < count; i++) to[8 + i] = (char)(message[i] ^ head[4 + i % 4]);
        to += 8 + count;
    } else {
        to += sprintf(to, "POST /v1/sessions/%s/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n", name);
        if (has_keys) to += sprintf(to, "Idempotency-Key: %d-%ld\r\n", peer->fd, peer->sent);
        to += sprintf(to, "Content-Length: %d\r\n\r\n", EVENT_BYTES);
        to += event(to, peer->sent);
    }
    peer->out_count = (size_t)(to - peer->out);
    peer->sent++;
}

static void pump(struct peer *peer) {
    if (peer->out_sent == peer->out_count) peer->out_sent = peer->out_count = 0;
    size_t room = (size_t)window * REQUEST_BYTES_MAX;
    while (peer->sent < quota && peer->sent - peer->answered < window && peer->out_count + REQUEST_BYTES_MAX <= room) add_request(peer);
    if (peer->out_sent == peer->out_count) return;
    ssize_t count = send(peer->fd, peer->out + peer->out_sent, peer->out_count - peer->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) fail("a publisher: %s", strerror(errno));
    if (count > 0) peer->out_sent += (size_t)count;
}

// Each returns how many bytes one answer or delivery has, whole; 0 where there is none yet.

// `number` is the publish that is answered.
static void take_sequence(struct peer *peer, long number, unsigned long sequence) {
    unsigned long *newest = &peer->newest[number % sessions];
    if (sequence <= *newest) fail("an answer with sequence %lu after %lu", sequence, *newest);
    *newest = sequence;
    peer->answered++;
}

static size_t take_http(struct peer *peer, char *at, size_t count) {
    char *end = memmem(at, count, "\r\n\r\n", 4);
    if (!end) return 0;
    char *length = memmem(at, (size_t)(end - at), "Content-Length: ", 16);
    if (count < 12 || memcmp(at, "HTTP/1.1 200", 12) || !length) fail("refused: %.*s", (int)count, at);
    size_t body = strtoul(length + 16, NULL, 10), whole = (size_t)(end + 4 - at) + body;
    if (count < whole) return 0;
    char *sequence = memmem(end, body + 4, "\"sequence\":", 11);
    // HTTP answers in the order of its requests.
    take_sequence(peer, peer->answered, sequence ? strtoul(sequence + 11, NULL, 10) : 0);
    return whole;
}

static size_t take_published(struct peer *peer, char *at, size_t count) {
    unsigned char *bytes = (unsigned char *)at;
    if (count < 4) return 0;
    size_t head = 2, length = bytes[1];
    if (length == 126) head = 4, length = (size_t)bytes[2] << 8 | bytes[3];
    if (length > 65535 || (bytes[0] != 0x81 && bytes[0] != 0x89)) fail("a frame of %d", bytes[0]);
    if (count < head + length) return 0;
    if (bytes[0] == 0x89) return head + length;
    char *sequence = memmem(at + head, length, "\"sequence\":", 11);
    if (memcmp(at + head, "{\"op\":\"published\",", 18) || !sequence) fail("refused: %.*s", (int)length, at + head);
    char *ref = memmem(at + head, length, "\"ref\":", 6);
    if (!ref) fail("no ref: %.*s", (int)length, at + head);
    take_sequence(peer, atol(ref + 6), strtoul(sequence + 11, NULL, 10));
    return head + length;
}

static size_t take_reply(struct peer *peer, char *at, size_t count) {
    char *end = memmem(at, count, "\r\n", 2);
    if (!end) return 0;
    size_t line = (size_t)(end + 2 - at);
    if (*at == '$' && !peer->is_half_answered) {
        size_t whole = line + strtoul(at + 1, NULL, 10) + 2;
        if (count < whole) return 0;
        peer->is_half_answered = 1;
        return whole;
    }
    if (*at != ':' || !peer->is_half_answered || atoi(at + 1) != subscribers) fail("refused: %.*s", (int)count, at);
    peer->is_half_answered = 0;
    peer->answered++;
    return line;
}

static size_t take_frame(struct peer *peer, char *at, size_t count) {
    unsigned char *bytes = (unsigned char *)at;
    if (count < 4) return 0;
    size_t head = 2, length = bytes[1];
    if (length == 126) head = 4, length = (size_t)bytes[2] << 8 | bytes[3];
    if (length > 65535 || (bytes[0] != 0x81 && bytes[0] != 0x89)) fail("a frame of %d", bytes[0]);
    if (count < head + length) return 0;
    // What has no id is the gateway's own word.
    if (bytes[0] == 0x81 && !memcmp(at + head, "{\"id\":\"", 7)) {
        unsigned long sequence = strtoul((char *)memchr(at + head, '-', length) + 1, NULL, 10);
        if (sequence != peer->newest[0] + 1) fail("event %lu after %lu", sequence, peer->newest[0]);
        peer->newest[0] = sequence;
        peer->received++;
    }
    return head + length;
}

static size_t take_message(struct peer *peer, char *at, size_t count) {
    size_t whole = message_head_count + EVENT_BYTES + 2;
    if (count < whole) return 0;
    if (memcmp(at, message_head, message_head_count)) fail("no message: %.*s", (int)whole, at);
    peer->received++;
    return whole;
}

static void receive(struct peer *peer) {
    ssize_t count = recv(peer->fd, peer->in + peer->in_count, INPUT_BYTES - peer->in_count, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) fail("a %s was cut", peer->is_publisher ? "publisher" : "subscriber");
    peer->in_count += (size_t)count;
    peer->in[peer->in_count] = 0;
    size_t at = 0, taken;
    do {
        char *next = peer->in + at;
        size_t left = peer->in_count - at;
        if (peer->is_publisher) taken = is_redis ? take_reply(peer, next, left) : is_link ? take_published(peer, next, left) : take_http(peer, next, left);
        else taken = is_redis ? take_message(peer, next, left) : take_frame(peer, next, left);
        at += taken;
    } while (taken && at < peer->in_count);
    memmove(peer->in, peer->in + at, peer->in_count - at);
    peer->in_count -= at;
}

// Subscribing

static void await(int fd, const char *end) {
    char answer[4096];
    size_t count = 0;
    // A byte at a time: what follows is a delivery.
    while (count < sizeof answer - 1 && recv(fd, answer + count, 1, 0) == 1) {
        answer[++count] = 0;
        if (count >= strlen(end) && !strcmp(answer + count - strlen(end), end)) return;
    }
    fail("not subscribed: %.*s", (int)count, answer);
}

static void upgrade(int fd, const char *target) {
    char request[512];
    sprintf(
        request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        target);
    if (send(fd, request, strlen(request), 0) < 0) fail("cannot connect: %s", strerror(errno));
    await(fd, "\r\n\r\n");
}

static void subscribe(struct peer *peer) {
    char request[512];
    const char *name = names[peer->session];
    int fd = peer->fd;
    if (is_redis) {
        sprintf(request, "*2\r\n$9\r\nSUBSCRIBE\r\n$%zu\r\n%s\r\n", strlen(name), name);
    } else {
        sprintf(request, "/ws/backtest/%s", name);
        return upgrade(fd, request);
    }
    if (send(fd, request, strlen(request), 0) < 0) fail("cannot subscribe: %s", strerror(errno));
    await(fd, ":1\r\n");
}

int main(int count, char **arguments) {
    if (count < 9) fail("usage: pipeliner gateway|link|redis CONTROL_PORT LISTEN_PORT NAME PUBLISHERS WINDOW SUBSCRIBERS EVENTS [keys] [sessions=N]");
    is_redis = !strcmp(arguments[1], "redis");
    is_link = !strcmp(arguments[1], "link");
    int control = atoi(arguments[2]), listen = atoi(arguments[3]), publishers = atoi(arguments[5]);
    name = arguments[4];
    window = atol(arguments[6]);
    subscribers = atoi(arguments[7]);
    for (int i = 9; i < count; i++) {
        if (!strcmp(arguments[i], "keys")) has_keys = 1;
        else if (!strncmp(arguments[i], "sessions=", 9)) sessions = atoi(arguments[i] + 9);
        else fail("not known: %s", arguments[i]);
    }
    if (sessions < 1 || sessions > SESSIONS_MAX || (is_redis && sessions > 1)) fail("out of range");
    if (publishers < 1 || window < 1 || publishers + subscribers * sessions > PEERS_MAX || strlen(name) > 64) fail("out of range");
    for (int i = 0; i < sessions; i++) sprintf(names[i], sessions > 1 ? "%s-%d" : "%s", name, i);
    quota = atol(arguments[8]) / publishers;
    long events = quota * publishers;
    message_head_count =
        (size_t)sprintf(message_head, "*3\r\n$7\r\nmessage\r\n$%zu\r\n%s\r\n$%d\r\n", strlen(name), name, EVENT_BYTES);

    int poll = epoll_create1(0), subscriber_count = subscribers * sessions, peer_count = publishers + subscriber_count;
    for (int i = 0; i < peer_count; i++) {
        struct peer *peer = &peers[i];
        peer->is_publisher = i >= subscriber_count;
        peer->session = i % sessions;
        peer->fd = connected(peer->is_publisher ? control : listen);
        peer->in = malloc(INPUT_BYTES + 1);
        if (peer->is_publisher) peer->out = malloc((size_t)(window + 1) * REQUEST_BYTES_MAX);
        else subscribe(peer);
        if (peer->is_publisher && is_link) upgrade(peer->fd, "/v1/engine");
        epoll_ctl(poll, EPOLL_CTL_ADD, peer->fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = peer});
    }

    double began = now(), acknowledged = 0;
    for (;;) {
        long answered = 0, received = 0;
        for (int i = 0; i < peer_count; i++) {
            if (peers[i].is_publisher) pump(&peers[i]);
            answered += peers[i].answered;
            received += peers[i].received;
        }
        if (answered == events && acknowledged == 0) acknowledged = now() - began;
        if (answered == events && received == events * subscribers) break;
        if (now() - began > SECONDS_MAX) fail("%ld of %ld events answered, %ld deliveries", answered, events, received);
        struct epoll_event ready[PEERS_MAX];
        // What the kernel did not take of a request is tried again within a millisecond.
        int ready_count = epoll_wait(poll, ready, PEERS_MAX, 1);
        for (int i = 0; i < ready_count; i++) receive(ready[i].data.ptr);
    }
    double delivered = now() - began;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"acknowledged_seconds\": %.6f, \"delivered_seconds\": %.6f, \"cpu_seconds\": %.6f}\n", acknowledged, delivered, cpu);
    return 0;
}
