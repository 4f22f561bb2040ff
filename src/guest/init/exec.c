#include "init.h"

static struct exec_failure failure;
static int failure_pipe;

_Noreturn static void give_up(int step, long error, const char *path) {
  failure.step = step;
  failure.error = (int)-error;
  join(failure.path, sizeof failure.path, path, NULL);
  sys_write(failure_pipe, &failure, sizeof failure);
  sys_exit(255);
}

enum { RLIMIT_NOFILE = 7, NOFILE_SOFT = 65536, NOFILE_HARD = 1048576 };

/*
 * A bare kernel gives 1024 and 4096 descriptors. The hard limit is Docker's; the soft one is
 * kept where programs that close "all" descriptors still start at once.
 */
static void set_limits(void) {
  struct rlimit64 limit = {NOFILE_SOFT, NOFILE_HARD};
  struct record_cursor cursor = records_of(RECORD_LIMIT);
  struct record record;
  SYSCALL4(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, 0);
  while (record_next(&cursor, &record)) {
    u32 resource;
    if (record.length == 0) continue;
    if (record.length != 20) give_up(EXEC_STEP_LIMITS, -EINVAL, "a LIMIT record is broken");
    memcpy(&resource, record.bytes, 4);
    memcpy(&limit, record.bytes + 4, sizeof limit);
    long result = SYSCALL4(SYS_prlimit64, 0, resource, &limit, 0);
    if (result != 0) give_up(EXEC_STEP_LIMITS, result, decimal(resource).text);
  }
}

/* A kernel without MULTIUSER knows root alone, and refuses to be asked. */
static long change_ids(const struct application *a) {
  long result = SYSCALL2(SYS_setgroups, a->group_count, a->groups);
  if (result == 0) result = SYSCALL3(SYS_setresgid, a->gid, a->gid, a->gid);
  if (result == 0) result = SYSCALL3(SYS_setresuid, a->uid, a->uid, a->uid);
  return result == -ENOSYS && a->uid == 0 && a->gid == 0 ? 0 : result;
}

/* As runc does it: entered as root, and once more as the user where root was refused. */
static void become_user(const struct application *a) {
  long entered = sys_chdir(a->directory);
  if (entered != 0 && entered != -EACCES) give_up(EXEC_STEP_DIRECTORY, entered, a->directory);
  long result = change_ids(a);
  if (result != 0) give_up(EXEC_STEP_USER, result, "changing to it");
  if (entered != 0) entered = sys_chdir(a->directory);
  if (entered != 0) give_up(EXEC_STEP_DIRECTORY, entered, a->directory);
}

static void connect_streams(int out, int error) {
  long null = sys_open("/dev/null", O_RDONLY, 0);
  if (null >= 0) SYSCALL3(SYS_dup3, null, 0, 0);
  SYSCALL3(SYS_dup3, out, 1, 0);
  SYSCALL3(SYS_dup3, error, 2, 0);
}

static const char *path_of(char *const *envp) {
  for (; *envp; envp++) {
    if (text_starts(*envp, "PATH=")) return *envp + 5;
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* The next directory of PATH joined with `name`; moves `path` on; an empty part is ".". */
static void next_candidate(const char **path, const char *name, char *to, size_t size) {
  const char *start = *path;
  while (**path && **path != ':') (*path)++;
  size_t length = (size_t)(*path - start);
  if (length > size - 2) length = size - 2;
  memcpy(to, start, length);
  if (length > 0) to[length++] = '/';
  join(to + length, size - length, name, NULL);
  if (**path == ':') (*path)++;
  else *path = NULL;
}

/*
 * Tries each directory of the application's own PATH, as execvp does: a refused file is
 * remembered and the search goes on. A file that is there but has no interpreter ends the
 * search, so that the error names it and not "not found".
 */
_Noreturn static void exec_from_path(const struct application *a) {
  static char candidate[4096], refused[4096];
  const char *path = path_of(a->envp);
  while (path && *a->argv[0]) {
    next_candidate(&path, a->argv[0], candidate, sizeof candidate);
    long error = sys_execve(candidate, a->argv, a->envp);
    if (error == -ENOENT && exists(candidate)) give_up(EXEC_STEP_EXEC, error, candidate);
    if (error == -EACCES && !refused[0] && exists(candidate)) {
      memcpy(refused, candidate, sizeof refused);
    } else if (error != -ENOENT && error != -ENOTDIR && error != -EACCES) {
      give_up(EXEC_STEP_EXEC, error, candidate);
    }
  }
  if (refused[0]) give_up(EXEC_STEP_EXEC, -EACCES, refused);
  give_up(EXEC_STEP_EXEC, -ENOENT, a->argv[0]);
}

static int has_slash(const char *s) {
  while (*s && *s != '/') s++;
  return *s == '/';
}

/* The child's part: everything that is the application's and not init's, then the exec. */
_Noreturn void exec_application(const struct application *a, int out, int error, int failure_fd) {
  u64 none = 0;
  failure_pipe = failure_fd;
  SYSCALL0(SYS_setsid);
  connect_streams(out, error);
  write_file("/proc/self/oom_score_adj", "0");
  set_limits();
  become_user(a);
  sys_signal_mask(&none);
  if (!has_slash(a->argv[0])) exec_from_path(a);
  long result = sys_execve(a->argv[0], a->argv, a->envp);
  give_up(EXEC_STEP_EXEC, result, a->argv[0]);
}
