#include "init.h"

#ifndef WICK_BUILD
#define WICK_BUILD "unknown"
#endif

void report_hello(void) {
  struct hello_head head = {CHANNEL_VERSION, 0};
  channel_send(REPORT_HELLO, &head, sizeof head, WICK_BUILD, sizeof WICK_BUILD - 1);
}

void report_mark(const char *name) {
  struct mark_head head = {now_ns()};
  channel_send(REPORT_MARK, &head, sizeof head, name, text_length(name));
}

void report_started(u32 pid) {
  struct started_body body = {now_ns(), pid};
  channel_send(REPORT_STARTED, &body, sizeof body, NULL, 0);
}

void report_listening(u16 port) {
  struct listening_body body = {now_ns(), port};
  channel_send(REPORT_LISTENING, &body, sizeof body, NULL, 0);
}

static size_t step_body(char *to, size_t size, const char *step, int error, const char *words) {
  struct step_head head = {(u32)error, (u16)text_length(step)};
  memcpy(to, &head, sizeof head);
  return sizeof head + join(to + sizeof head, size - sizeof head, step, words, NULL);
}

/* Something that was to be set up is not there; the application starts without it. */
void warn(const char *step, long error, const char *words) {
  static char body[4096];
  int number = (int)(error < 0 ? -error : error);
  const char *colon = number ? ": " : "";
  say("warning: ", step, ": ", words, colon, error_words(number), NULL);
  size_t length = step_body(body, sizeof body, step, number, words);
  channel_send(REPORT_WARNING, body, length, NULL, 0);
}

/* The machine cannot do what it was asked for: says why, and ends. */
_Noreturn void fail(const char *step, long error, const char *words) {
  static char body[4096];
  int number = (int)(error < 0 ? -error : error);
  const char *colon = number ? ": " : "";
  say("cannot set up ", step, ": ", words, colon, error_words(number), NULL);
  size_t length = step_body(body, sizeof body, step, number, words);
  quiesce();
  channel_final(REPORT_SETUP_FAILED, body, length);
  end_machine();
}

static const char *const reason_words[] = {
    [EXEC_OTHER] = "",
    [EXEC_NOT_FOUND] = "there is no such file",
    [EXEC_INTERPRETER_MISSING] = "it is a script whose interpreter is not there: ",
    [EXEC_LOADER_MISSING] = "it needs a loader that is not there: ",
    [EXEC_NOT_EXECUTABLE] = "it may not be executed: ",
    [EXEC_WRONG_ARCHITECTURE] = "it is for another architecture: ",
    [EXEC_NOT_A_PROGRAM] = "it is neither a program nor a script with #!",
    [EXEC_DIRECTORY] = "it is a directory",
    [EXEC_TOO_LONG] = "its arguments and environment are too long",
};

_Noreturn void finish_exec_failed(int error, int reason, const char *path, const char *detail) {
  static char body[12 << 10];
  struct exec_failed_head head = {(u32)error, (u16)reason, (u16)text_length(path)};
  const char *words = reason == EXEC_OTHER ? error_words(error) : reason_words[reason];
  say("cannot start ", path, ": ", words, detail, NULL);
  memcpy(body, &head, sizeof head);
  size_t length = join(body + sizeof head, sizeof body - sizeof head, path, detail, NULL);
  quiesce();
  channel_final(REPORT_EXEC_FAILED, body, sizeof head + length);
  end_machine();
}

_Noreturn void finish_exited(u32 status) {
  struct exited_body body = {status};
  say("application exited with status ", decimal(status).text, NULL);
  quiesce();
  channel_final(REPORT_EXITED, &body, sizeof body);
  end_machine();
}

_Noreturn void finish_signalled(u32 signal, int out_of_memory) {
  struct signalled_body body = {signal, out_of_memory ? 1 : 0};
  say("application ended by signal ", decimal(signal).text,
      out_of_memory ? ": the machine ran out of memory" : "", NULL);
  quiesce();
  channel_final(REPORT_SIGNALLED, &body, sizeof body);
  end_machine();
}
