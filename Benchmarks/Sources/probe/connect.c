#include "probe.h"

#include <string.h>

static struct client *clients;
static struct report report;
static size_t begun;

static void begin_next(struct client *client) { client_begin(client, ++begun); }

static void ended(struct client *client) {
    record(now_ns() - client->began_ns);
    progress.done++;
    if (begun < plan.connections) begin_next(client);
}

static const struct handler handler = {.opened = client_close, .ended = ended};

void connect_run(void) {
    clients = grown(NULL, plan.parallel * sizeof *clients);
    memset(clients, 0, plan.parallel * sizeof *clients);
    clients_begin(&handler);

    report.before = usage_at_rest();
    progress = (struct progress){.all = plan.connections, .what = "connections were opened and closed"};
    uint64_t began = now_ns();
    for (size_t i = 0; i < plan.parallel && begun < plan.connections; i++) begin_next(&clients[i]);
    clients_finish();
    report.seconds = (double)(now_ns() - began) / 1e9;
    report.after = usage_at_rest();
    print_report(&report);
}
