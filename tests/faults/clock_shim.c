/* Shifts the wall clock of the processes it is preloaded into by the seconds in a file, which may change at any time.
 * What the kernel knows as the time stays as it is, and so do clocks that nobody can set. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long shift(void) {
    static volatile long long *seconds = NULL;
    static int looked = 0;
    if (!looked) {
        const char *path = getenv("FAULTS_CLOCK");
        int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (file >= 0) {
            void *found = mmap(NULL, sizeof(long long), PROT_READ, MAP_SHARED, file, 0);
            if (found != MAP_FAILED) seconds = found;
            close(file);
        }
        looked = 1;
    }
    return seconds ? *seconds : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *) = NULL;
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &exact);
    if (!result) { now->tv_sec = exact.tv_sec; now->tv_usec = exact.tv_nsec / 1000; }
    return result;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}

int sem_timedwait(sem_t *restrict held, const struct timespec *restrict until) {
    static int (*real)(sem_t *, const struct timespec *) = NULL;
    if (!real) real = dlsym(RTLD_NEXT, "sem_timedwait");
    struct timespec for_the_kernel = *until;
    for_the_kernel.tv_sec -= shift();
    return real(held, &for_the_kernel);
}
