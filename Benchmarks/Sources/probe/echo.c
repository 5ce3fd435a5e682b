#include "probe.h"

#include <stdlib.h>
#include <string.h>

enum { STARTS = 4096 };

static struct client *clients;
static struct report report;
// Printable ASCII without a pattern. A message is a piece of it, and which one depends on its sender and on how many it has
// sent: answers that are swapped, or another's, are noticed.
static char *text;

static const char *message(const struct client *client, size_t index) { return text + (client->number * 61 + index * 37) % STARTS; }

static void make_text(void) {
    text = grown(NULL, STARTS + plan.message_bytes);
    uint32_t random = 1;
    for (size_t i = 0; i < STARTS + plan.message_bytes; i++) {
        random = random * 1664525u + 1013904223u;
        text[i] = (char)(' ' + (random >> 16) % 95);
    }
}

static void send_next(struct client *client) {
    client->sent_ns[client->sent % plan.in_flight] = now_ns();
    client_append_text(client, message(client, client->sent), plan.message_bytes);
    client->sent++;
}

static void opened(struct client *client) {
    (void)client;
    progress.done++;
}

static void answered(struct client *client, unsigned char first, const char *payload, size_t bytes) {
    if (client->answered == client->sent) fail("connection %zu got an answer to nothing", client->number);
    // A whole text message, not compressed.
    if (first != 0x81 || bytes != plan.message_bytes || memcmp(payload, message(client, client->answered), bytes) != 0) {
        fail("connection %zu: the answer to message %zu is not what was sent", client->number, client->answered + 1);
    }
    record(now_ns() - client->sent_ns[client->answered % plan.in_flight]);
    client->answered++;
    progress.done++;
    if (client->sent < plan.messages) send_next(client);
}

static const struct handler handler = {.opened = opened, .message = answered};

static void open_all(void) {
    clients = grown(NULL, plan.connections * sizeof *clients);
    memset(clients, 0, plan.connections * sizeof *clients);
    progress = (struct progress){.what = "connections are open"};
    for (size_t i = 0; i < plan.connections; i++) {
        clients[i].sent_ns = grown(NULL, plan.in_flight * sizeof *clients[i].sent_ns);
        client_begin(&clients[i], i + 1);
        progress.all++;
        if (progress.all % 32 == 0) clients_finish();
    }
    clients_finish();
}

void echo_run(void) {
    make_text();
    clients_begin(&handler);
    open_all();

    report.before = usage_at_rest();
    progress = (struct progress){.all = plan.connections * plan.messages, .what = "answers came"};
    uint64_t began = now_ns();
    for (size_t i = 0; i < plan.connections; i++) {
        while (clients[i].sent < plan.in_flight && clients[i].sent < plan.messages) send_next(&clients[i]);
        client_flush(&clients[i]);
    }
    clients_finish();
    report.seconds = (double)(now_ns() - began) / 1e9;
    report.after = usage_at_rest();
    // One answer too many would have come by now.
    clients_turn(0);
    print_report(&report);
}
