#include "probe.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t *latencies;
static size_t count, capacity;

void record(uint64_t nanoseconds) {
    if (count == capacity) {
        capacity = capacity == 0 ? 4096 : capacity * 2;
        latencies = grown(latencies, capacity * sizeof *latencies);
    }
    latencies[count++] = nanoseconds;
}

static int ascending(const void *one, const void *other) {
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return (a > b) - (a < b);
}

// Of the sorted ones, in microseconds: the least that so great a part of them does not exceed.
static double quantile(double part) {
    size_t rank = (size_t)(part * (double)count);
    return (double)latencies[rank < count ? rank : count - 1] / 1e3;
}

void print_report(const struct report *report) {
    struct spent used = spent(&report->before, &report->after);
    qsort(latencies, count, sizeof *latencies, ascending);
    printf("{\"passed\":true,\"operations\":%zu,\"seconds\":%.6f,", progress.done, report->seconds);
    printf("\"server_cpu_s\":%.9f,\"server_user_s\":%.2f,\"server_system_s\":%.2f,", used.server, used.user, used.system);
    printf("\"server_cpu_us_per_operation\":%.4f,", used.server * 1e6 / (double)progress.done);
    printf("\"machine_busy_s\":%.2f,\"tool_cpu_s\":%.6f,", used.busy, used.tool);
    printf(
        "\"latency_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}", quantile(0.5), quantile(0.9), quantile(0.99), quantile(1));
    if (report->has_memory) {
        printf(
            ",\"memory_before\":%llu,\"memory_after\":%llu,\"bytes_per_connection\":%.1f,\"settled\":%s", (unsigned long long)report->memory_before,
            (unsigned long long)report->memory_after, ((double)report->memory_after - (double)report->memory_before) / (double)progress.done,
            report->has_settled ? "true" : "false");
    }
    printf("}\n");
    fflush(stdout);
}
