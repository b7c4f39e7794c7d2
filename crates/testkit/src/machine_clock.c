/* Loaded before the C library of a process under test: its wall clock is off by the milliseconds that a file holds. The file
 * is mapped, so a new offset holds with the next call, in every thread. The monotonic clock stays right, as on a machine whose
 * clock is set. Rust asks clock_gettime; nothing else of the gateway asks for the time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *offset_ms;

__attribute__((constructor)) static void map_offset(void) {
    const char *path = getenv("CLOCK_OFFSET_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(0, sizeof *offset_ms, PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) offset_ms = mapped;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed || !offset_ms || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return failed;
    int64_t ns = now->tv_nsec + *offset_ms % 1000 * 1000000;
    now->tv_sec += *offset_ms / 1000 + (ns < 0 ? -1 : ns / 1000000000);
    now->tv_nsec = ns < 0 ? ns + 1000000000 : ns % 1000000000;
    return 0;
}
