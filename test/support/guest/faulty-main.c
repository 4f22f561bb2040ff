/* Writes one byte behind what it asked for: a build that checks such things must say so. */
#include <stdlib.h>

int main(int count, char **words) {
  (void)words;
  char *bytes = malloc((size_t)count);
  bytes[count] = 1;
  return bytes[count] - 1;
}
