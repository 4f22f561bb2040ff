#include <stdarg.h>

#include "init.h"

size_t text_length(const char *s) {
  size_t n = 0;
  while (s[n]) n++;
  return n;
}

int text_equal(const char *a, const char *b) {
  size_t n = text_length(a);
  return n == text_length(b) && memcmp(a, b, n) == 0;
}

int text_starts(const char *s, const char *prefix) {
  size_t n = text_length(prefix);
  for (size_t i = 0; i < n; i++) {
    if (s[i] != prefix[i]) return 0;
  }
  return 1;
}

size_t join(char *to, size_t size, ...) {
  va_list words;
  size_t used = 0;
  va_start(words, size);
  for (const char *word; (word = va_arg(words, const char *)) != NULL;) {
    while (*word && used + 1 < size) to[used++] = *word++;
  }
  va_end(words);
  if (size) to[used] = 0;
  return used;
}

struct digits decimal(u64 number) {
  struct digits d;
  char *at = d.text + sizeof d.text - 1;
  *at = 0;
  do {
    *--at = (char)('0' + number % 10);
  } while (number /= 10);
  memmove(d.text, at, (size_t)(d.text + sizeof d.text - at));
  return d;
}

u64 parse_decimal(const char *s) {
  u64 number = 0;
  while (*s >= '0' && *s <= '9' && number < UINT64_MAX / 16) {
    number = number * 10 + (u64)(*s++ - '0');
  }
  return number;
}
