/*
 * The relay's process as a program: the host's end of its byte stream is descriptor 3, init's link
 * is 4, the application listens on 127.0.0.1. The word is the bound in bytes. With a C library
 * (HOSTED) it is built for sanitizers, which need one.
 */
#include "relay.h"

_Noreturn static void run(const char *bound) {
  static const u64 all = ~(u64)0;
  struct relay_setup setup = {3, 4, {127, 0, 0, 1}, (size_t)parse_decimal(bound)};
  sys_signal_mask(&all); /* as init has it: no SIGPIPE */
  sys_fcntl(setup.stream, F_SETFL, O_NONBLOCK);
  relay_run(&setup);
}

#ifdef HOSTED

long syscall(long number, ...);
int *__errno_location(void);

long sys(long number, long a, long b, long c, long d, long e, long f) {
  long result = syscall(number, a, b, c, d, e, f);
  return result == -1 ? -*__errno_location() : result;
}

int main(int count, char **words) {
  (void)count;
  run(words[1]);
}

#else

void start_c(long *stack);

void start_c(long *stack) { run(((char **)(stack + 1))[1]); }

#endif
