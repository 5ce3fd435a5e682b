#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MILLISECONDS = 50, SETTLED_MILLISECONDS = 500, SETTLING_SECONDS_MAX = 10 };

static size_t begun;
static struct client *clients;
static struct report report;

static void begin_next(void) {
    client_begin(&clients[begun], begun + 1);
    begun++;
}

static void opened(struct client *client) {
    record(now_ns() - client->began_ns);
    progress.done++;
    if (begun < plan.connections) begin_next();
}

static const struct handler handler = {.opened = opened};

// Until the servers' memory was the same for half a second; whether it was.
static int settle(uint64_t *bytes) {
    uint64_t now = now_ns(), since = now, last = now + SETTLING_SECONDS_MAX * 1000000000ull;
    *bytes = anonymous_bytes();
    while (now - since < SETTLED_MILLISECONDS * 1000000ull && now < last) {
        // A server's pings are answered meanwhile.
        uint64_t next = now + LOOK_MILLISECONDS * 1000000ull;
        for (; now < next; now = now_ns()) clients_turn((int)((next - now) / 1000000) + 1);
        uint64_t look = anonymous_bytes();
        if (look != *bytes) since = now;
        *bytes = look;
    }
    return now - since >= SETTLED_MILLISECONDS * 1000000ull;
}

static volatile sig_atomic_t is_told_to_end;

static void end(int signal) {
    (void)signal;
    is_told_to_end = 1;
}

// Until standard input ends or SIGTERM comes.
static void hold(const sigset_t *mask) {
    struct pollfd inputs[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = clients_fd(), .events = POLLIN}};
    char ignored[4096];
    while (!is_told_to_end) {
        int left = (int)(((int64_t)deadline_ns() - (int64_t)now_ns()) / 1000000) + 1;
        struct timespec patience = {.tv_sec = left < 0 ? 0 : left / 1000 + 1};
        if (ppoll(inputs, 2, &patience, mask) < 0 && errno != EINTR) fail("poll: %s", strerror(errno));
        if (is_told_to_end) return;
        if (inputs[0].revents != 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) return;
        clients_turn(0);
    }
}

void hold_run(void) {
    sigset_t terminate, mask;
    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    sigprocmask(SIG_BLOCK, &terminate, &mask);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);

    clients = grown(NULL, plan.connections * sizeof *clients);
    memset(clients, 0, plan.connections * sizeof *clients);
    clients_begin(&handler);

    report.before = usage_at_rest();
    report.has_memory = 1;
    report.memory_before = anonymous_bytes();
    progress = (struct progress){.all = plan.connections, .what = "connections are open"};
    uint64_t began = now_ns();
    while (begun < plan.parallel && begun < plan.connections) begin_next();
    clients_finish();
    report.seconds = (double)(now_ns() - began) / 1e9;
    report.after = usage_at_rest();
    report.has_settled = settle(&report.memory_after);
    print_report(&report);
    progress.what = "connections are held, and nobody said that it is enough,";
    hold(&mask);
}
