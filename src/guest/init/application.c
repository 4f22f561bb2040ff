#include "init.h"

/* The records of a list key as a NULL-terminated array; empty records are left out on request. */
static char **read_list(enum record_key key, int keep_empty) {
  struct record_cursor cursor = records_of(key);
  struct record_cursor counting = cursor;
  struct record record;
  size_t count = 0, used = 0;
  while (record_next(&counting, &record)) count++;
  char **list = keep(NULL, (count + 1) * sizeof *list);
  while (record_next(&cursor, &record)) {
    if (record.length > 0 || keep_empty) list[used++] = record_text(&record);
  }
  return list;
}

static void read_groups(struct application *application) {
  struct record_cursor cursor = records_of(RECORD_GROUP);
  struct record_cursor counting = cursor;
  struct record record;
  size_t count = 0;
  while (record_next(&counting, &record)) count++;
  application->groups = keep(NULL, count * sizeof *application->groups);
  while (record_next(&cursor, &record)) {
    if (record.length > 0) application->groups[application->group_count++] = record_u32(&record);
  }
}

static char *const default_environment[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", NULL};

void application_read(struct application *application) {
  struct record record;
  application->argv = read_list(RECORD_ARGV, 1);
  if (!application->argv[0]) fail("application", 0, "no record says which program to run");
  application->envp = read_list(RECORD_ENV, 0);
  if (!record_first(RECORD_ENV, &record)) application->envp = (char **)default_environment;
  application->directory = records_text(RECORD_DIRECTORY);
  if (!application->directory || !*application->directory) application->directory = "/";
  application->uid = records_number(RECORD_UID, 0);
  application->gid = records_number(RECORD_GID, 0);
  read_groups(application);
  make_directories(application->directory, 0755, application->uid, application->gid);
}

/* A pipe whose ends the application's user may open again by path, as /dev/stdout. */
static void make_pipe(int ends[2], const struct application *application) {
  long result = SYSCALL2(SYS_pipe2, ends, O_CLOEXEC);
  if (result == 0) result = sys_fchown(ends[1], application->uid, application->gid);
  if (result != 0) fail("application", result, "a pipe for its output");
  sys_fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

_Noreturn static void finish_failure(const struct application *application,
                                     const struct exec_failure *failure) {
  static char detail[4400];
  static const char *const steps[] = {
      [EXEC_STEP_LIMITS] = "limits",
      [EXEC_STEP_DIRECTORY] = "directory",
      [EXEC_STEP_USER] = "user",
  };
  if (failure->step != EXEC_STEP_EXEC) fail(steps[failure->step], failure->error, failure->path);
  long directory = sys_open(application->directory, O_RDONLY | O_DIRECTORY, 0);
  int reason = explain(failure->path, failure->error, (int)directory, detail, sizeof detail);
  finish_exec_failed(failure->error, reason, failure->path, detail);
}

/* Nothing comes from a child that has become the application: its end was closed by the exec. */
static int read_failure(int fd, struct exec_failure *failure) {
  size_t used = 0;
  for (long got; used < sizeof *failure; used += (size_t)got) {
    got = sys_read(fd, (u8 *)failure + used, sizeof *failure - used);
    if (got <= 0) break;
  }
  sys_close(fd);
  return used == sizeof *failure;
}

void application_start(struct application *application) {
  static struct exec_failure failure;
  int out[2], error[2], report[2];
  make_pipe(out, application);
  make_pipe(error, application);
  long result = SYSCALL2(SYS_pipe2, report, O_CLOEXEC);
  if (result != 0) fail("application", result, "a pipe for its start");
  long pid = SYSCALL1(SYS_clone, SIGCHLD);
  if (pid == 0) exec_application(application, out[1], error[1], report[1]);
  sys_close(out[1]);
  sys_close(error[1]);
  sys_close(report[1]);
  if (pid < 0) fail("application", pid, "a process for it");
  if (read_failure(report[0], &failure)) finish_failure(application, &failure);
  application->pid = (int)pid;
  application->out = out[0];
  application->error = error[0];
  report_started((u32)pid);
}
