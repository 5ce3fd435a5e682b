// For LD_PRELOAD under valgrind 3.19: it takes its own signals out of the mask that sigsuspend is given, in place, and so dies of libdispatch,
// whose main thread waits with a mask that is constant. This one gives it a copy.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask) {
    unsigned long copy = *(const unsigned long *)mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, sizeof copy);
}
