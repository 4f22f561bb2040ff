/*
 * Executes its first word and prints what init would say about the refusal: errno, the reason's
 * number, the detail. Linked with explain.c and what that needs, never with the rest of init.
 */
#include "init.h"

void start_c(long *stack);

void start_c(long *stack) {
  static char detail[4400], line[4500];
  char **argv = (char **)(stack + 1);
  char *words[] = {argv[1], NULL};
  long error = sys_execve(argv[1], words, words + 1);
  int reason = explain(argv[1], (int)-error, AT_FDCWD, detail, sizeof detail);
  size_t length = join(line, sizeof line, decimal((u64)-error).text, " ", decimal((u64)reason).text,
                       " ", detail, NULL);
  sys_write(1, line, length);
  sys_exit(0);
}
