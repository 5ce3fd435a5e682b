#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Two looks so far apart, and as often as that.
enum { REST_MILLISECONDS = 2, RESTS_MAX = 100, TICKS_A_SECOND = 100 };

static const char *content(char *buffer, size_t bytes, const char *path) {
    FILE *file = fopen(path, "re");
    if (file == NULL) return NULL;
    size_t count = fread(buffer, 1, bytes - 1, file);
    fclose(file);
    buffer[count] = 0;
    return buffer;
}

static const char *content_of(int process, const char *name, char *buffer, size_t bytes) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", process, name);
    const char *text = content(buffer, bytes, path);
    if (text == NULL) fail("there is no %s: is the server still there?", path);
    return text;
}

// `<nanoseconds on a CPU> <nanoseconds waiting> <slices>` of every thread.
static void read_threads(int process, struct usage *usage) {
    char path[64], buffer[256];
    snprintf(path, sizeof path, "/proc/%d/task", process);
    DIR *folder = opendir(path);
    if (folder == NULL) fail("there is no process %d", process);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        int id = atoi(entry->d_name);
        if (id == 0) continue;
        snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", process, id);
        // One that ended since it was listed is in no count any more.
        if (content(buffer, sizeof buffer, path) == NULL) continue;
        usage->threads = grown(usage->threads, (usage->thread_count + 1) * sizeof *usage->threads);
        usage->threads[usage->thread_count++] = (struct thread){process, id, strtoull(buffer, NULL, 10)};
    }
    closedir(folder);
}

// Fields 14 and 15 of stat. The second one, the name, is in brackets and may hold any others.
static void read_ticks(int process, struct usage *usage) {
    char buffer[4096];
    const char *rest = strrchr(content_of(process, "stat", buffer, sizeof buffer), ')');
    unsigned long long user = 0, system = 0;
    if (rest == NULL || sscanf(rest + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user, &system) != 2) {
        fail("/proc/%d/stat has another form", process);
    }
    usage->user_ticks += user;
    usage->system_ticks += system;
}

// user, nice, system, irq, softirq and steal of all cores: what a server leaves to the kernel's own threads is in here and nowhere else.
static uint64_t busy_ticks(void) {
    char buffer[4096];
    unsigned long long user, nice, system, irq, softirq, steal;
    if (content(buffer, sizeof buffer, "/proc/stat") == NULL
        || sscanf(buffer, "cpu %llu %llu %llu %*s %*s %llu %llu %llu", &user, &nice, &system, &irq, &softirq, &steal) != 6) {
        fail("/proc/stat has another form");
    }
    return user + nice + system + irq + softirq + steal;
}

static struct usage usage_now(void) {
    struct usage usage = {.at_ns = now_ns(), .busy_ticks = busy_ticks()};
    struct timespec tool;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &tool);
    usage.tool_ns = (uint64_t)tool.tv_sec * 1000000000u + (uint64_t)tool.tv_nsec;
    for (int i = 0; i < plan.server_count; i++) {
        read_threads(plan.servers[i], &usage);
        read_ticks(plan.servers[i], &usage);
    }
    return usage;
}

// Thread by thread: out of a sum, one that ends would take what the others used meanwhile.
static uint64_t server_ns(const struct usage *before, const struct usage *after) {
    uint64_t ns = 0;
    for (size_t i = 0; i < after->thread_count; i++) {
        const struct thread *thread = &after->threads[i];
        uint64_t earlier = 0;
        for (size_t j = 0; j < before->thread_count; j++) {
            if (before->threads[j].process == thread->process && before->threads[j].id == thread->id) earlier = before->threads[j].ns;
        }
        if (thread->ns > earlier) ns += thread->ns - earlier;
    }
    return ns;
}

struct usage usage_at_rest(void) {
    struct usage usage = usage_now();
    for (int i = 0; i < RESTS_MAX; i++) {
        nanosleep(&(struct timespec){.tv_nsec = REST_MILLISECONDS * 1000000}, NULL);
        struct usage next = usage_now();
        int rests = server_ns(&usage, &next) == 0;
        free(usage.threads);
        usage = next;
        if (rests) break;
    }
    return usage;
}

struct spent spent(const struct usage *before, const struct usage *after) {
    return (struct spent){
        .server = (double)server_ns(before, after) / 1e9,
        .user = (double)(after->user_ticks - before->user_ticks) / TICKS_A_SECOND,
        .system = (double)(after->system_ticks - before->system_ticks) / TICKS_A_SECOND,
        .busy = (double)(after->busy_ticks - before->busy_ticks) / TICKS_A_SECOND,
        .tool = (double)(after->tool_ns - before->tool_ns) / 1e9,
    };
}

uint64_t anonymous_bytes(void) {
    uint64_t bytes = 0;
    for (int i = 0; i < plan.server_count; i++) {
        char buffer[4096];
        const char *line = strstr(content_of(plan.servers[i], "smaps_rollup", buffer, sizeof buffer), "\nAnonymous:");
        if (line == NULL) fail("/proc/%d/smaps_rollup cannot be read, or has another form", plan.servers[i]);
        bytes += strtoull(line + 11, NULL, 10) * 1024;
    }
    return bytes;
}
