/* A clock of the day that jumps: what stands in the file CLOCK is added to it, in seconds, or with '=' in front it stands still there.
 * The clock for durations, which nobody can set, is left alone. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t which, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, which, time);
    if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        char text[64] = {0};
        int file = open(CLOCK, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            if (read(file, text, sizeof text - 1) > 0) {
                time->tv_sec = text[0] == '=' ? atoll(text + 1) : time->tv_sec + atoll(text);
            }
            close(file);
        }
    }
    return result;
}
