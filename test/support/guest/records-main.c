/*
 * Reads the record file that its first word names and prints `accepted`, or `refused` with
 * init's reason, and then whether an ENDING record is seen: the machine's end asks for it also
 * after a refusal. Linked with records.c and what that needs.
 */
#include "init.h"

void start_c(long *stack);

static void print(const char *verdict, const char *words) {
  char line[300];
  struct record record;
  const char *ending = record_first(RECORD_ENDING, &record) ? "ending" : "no ending";
  sys_write(1, line, join(line, sizeof line, verdict, words, "; ", ending, NULL));
}

_Noreturn void fail(const char *step, long error, const char *words) {
  (void)step;
  (void)error;
  print("refused ", words);
  sys_exit(0);
}

void start_c(long *stack) {
  char **argv = (char **)(stack + 1);
  records_load(RECORDS_RUN, argv[1]);
  print("accepted", "");
  sys_exit(0);
}
