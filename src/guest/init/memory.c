#include "init.h"

/* Room for both record files' words with a NUL each, and for the lists of pointers to them. */
static u8 kept[3 << 20] __attribute__((aligned(8)));
static size_t kept_used;

/* A copy of `bytes` (or zeros, when NULL) that lives for ever. */
void *keep(const void *bytes, size_t length) {
  size_t needed = (length + 7) & ~(size_t)7;
  if (needed > sizeof kept - kept_used) fail("memory", ENOMEM, "the records are too long");
  void *place = kept + kept_used;
  kept_used += needed;
  if (bytes) memcpy(place, bytes, length);
  return place;
}
