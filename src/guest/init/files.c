#include "init.h"

long read_file(const char *path, char *to, size_t size) {
  long fd = sys_open(path, O_RDONLY, 0);
  if (fd < 0) return fd;
  size_t used = 0;
  long got = 0;
  while (used + 1 < size && (got = sys_read((int)fd, to + used, size - 1 - used)) > 0) {
    used += (size_t)got;
  }
  sys_close((int)fd);
  to[used] = 0;
  return got < 0 ? got : (long)used;
}

static long write_to(const char *path, int flags, const char *text) {
  long fd = sys_open(path, flags, 0644);
  if (fd < 0) return fd;
  size_t length = text_length(text), done = 0;
  long got = 0;
  while (done < length && (got = sys_write((int)fd, text + done, length - done)) > 0) {
    done += (size_t)got;
  }
  sys_close((int)fd);
  return got < 0 ? got : 0;
}

long write_file(const char *path, const char *text) {
  int proc = text_starts(path, "/proc/") || text_starts(path, "/sys/");
  return write_to(path, proc ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC, text);
}

int exists(const char *path) {
  struct statx st;
  return sys_statx(AT_FDCWD, path, 0, &st) == 0;
}

/* Makes `path` and what leads to it; new directories get the mode and the owner. */
void make_directories(const char *path, int mode, u32 uid, u32 gid) {
  char part[4096];
  size_t length = join(part, sizeof part, path, NULL);
  for (size_t i = 1; i <= length; i++) {
    if (part[i] != '/' && part[i] != 0) continue;
    char end = part[i];
    part[i] = 0;
    if (sys_mkdir(part, mode) == 0) {
      sys_chmod(part, mode);
      sys_chown(part, uid, gid);
    }
    part[i] = end;
  }
}

/* Calls `visit` for each name in a directory until it returns non-zero, which comes back. */
int each_name(const char *directory, int (*visit)(const char *name, void *context),
              void *context) {
  char buffer[2048] __attribute__((aligned(8)));
  long fd = sys_open(directory, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0) return 0;
  int result = 0;
  for (long got; !result && (got = SYSCALL3(SYS_getdents64, fd, buffer, sizeof buffer)) > 0;) {
    for (long at = 0; at < got && !result;) {
      struct dirent64 *entry = (struct dirent64 *)(buffer + at);
      at += entry->length;
      if (entry->name[0] != '.') result = visit(entry->name, context);
    }
  }
  sys_close((int)fd);
  return result;
}
