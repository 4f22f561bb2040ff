#include "init.h"

enum { CLOCK_BOOTTIME = 7 };

/* Nanoseconds since the kernel started. */
u64 now_ns(void) {
  struct timespec t = {0, 0};
  SYSCALL2(SYS_clock_gettime, CLOCK_BOOTTIME, &t);
  return (u64)t.seconds * 1000000000u + (u64)t.nanoseconds;
}

u64 now_ms(void) { return now_ns() / 1000000u; }

void sleep_ms(u32 ms) {
  struct timespec t = {ms / 1000, (int64_t)(ms % 1000) * 1000000};
  sys_poll(NULL, 0, &t);
}
