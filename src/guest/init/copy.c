#include "init.h"

/* The empty asm in each loop keeps compilers from turning the loop into a call of itself. */
#define NOT_AN_IDIOM __asm__ volatile("" ::: "memory")

void *memcpy(void *to, const void *from, size_t n) {
  u8 *t = to;
  const u8 *f = from;
  for (size_t i = 0; i < n; i++) {
    t[i] = f[i];
    NOT_AN_IDIOM;
  }
  return to;
}

void *memmove(void *to, const void *from, size_t n) {
  u8 *t = to;
  const u8 *f = from;
  if (t <= f) return memcpy(to, from, n);
  for (size_t i = n; i > 0; i--) {
    t[i - 1] = f[i - 1];
    NOT_AN_IDIOM;
  }
  return to;
}

void *memset(void *to, int byte, size_t n) {
  u8 *t = to;
  for (size_t i = 0; i < n; i++) {
    t[i] = (u8)byte;
    NOT_AN_IDIOM;
  }
  return to;
}

int memcmp(const void *a, const void *b, size_t n) {
  const u8 *x = a, *y = b;
  for (size_t i = 0; i < n; i++) {
    if (x[i] != y[i]) return x[i] - y[i];
  }
  return 0;
}
