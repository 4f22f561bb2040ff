/*
 * Looks once for the TCP ports that its words name and prints what init would report of each:
 * `listening N`, or init's warning. Linked with ports.c and what that needs, never with the
 * rest of init: the records and the reports are this file's.
 */
#include "init.h"

void start_c(long *stack);

static char **words;

struct record_cursor records_of(enum record_key key) {
  return (struct record_cursor){NULL, NULL, (u16)key};
}

int record_next(struct record_cursor *cursor, struct record *record) {
  (void)cursor;
  record->length = *words ? text_length(*words) : 0;
  record->bytes = (const u8 *)*words;
  return *words++ != NULL;
}

u16 record_u16(const struct record *record) { return (u16)parse_decimal((const char *)record->bytes); }

static void print(const char *first, const char *second) {
  char line[200];
  sys_write(1, line, join(line, sizeof line, first, second, "\n", NULL));
}

void report_listening(u16 port) { print("listening ", decimal(port).text); }

void warn(const char *step, long error, const char *text) {
  (void)step;
  (void)error;
  print("warning ", text);
}

void start_c(long *stack) {
  words = (char **)(stack + 1) + 1;
  ports_read();
  ports_look();
  sys_exit(0);
}
