#include "init.h"

/*
 * Where the kernel mounts the root by itself there is no initramfs to bring run.rec: the same
 * archive then lies on a small read-only drive, found by its first bytes, never by its letter.
 */
enum { NEWC_HEADER = 110, NEWC_ENTRIES = 64, NEWC_NAME = 256 };

/* The n-th of a newc header's 13 fields of eight hexadecimal digits. */
static u64 field(const char *header, int n) {
  u64 value = 0;
  for (int i = 0; i < 8; i++) {
    char c = header[6 + 8 * n + i];
    value = value << 4 | (u64)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10) % 16;
  }
  return value;
}

static u64 align4(u64 n) { return (n + 3) & ~(u64)3; }

/* Looks through the first entries of an archive for run.rec and reads it. */
static int read_archive(int fd) {
  char header[NEWC_HEADER], name[NEWC_NAME];
  u64 at = 0;
  for (int entries = 0; entries < NEWC_ENTRIES; entries++) {
    if (sys_pread(fd, header, sizeof header, at) != (long)sizeof header) return 0;
    if (memcmp(header, "070701", 6) != 0) return 0;
    u64 size = field(header, 6), name_size = field(header, 11);
    if (name_size == 0 || name_size > sizeof name) return 0;
    if (sys_pread(fd, name, name_size, at + NEWC_HEADER) != (long)name_size) return 0;
    name[name_size - 1] = 0;
    u64 data = align4(at + NEWC_HEADER + name_size);
    if (text_equal(name, ".wick/run.rec")) {
      records_load_at(RECORDS_RUN, fd, data, size);
      return 1;
    }
    at = align4(data + size);
  }
  return 0;
}

static int look_at_drive(const char *name, void *context) {
  char path[300];
  (void)context;
  join(path, sizeof path, "/dev/", name, NULL);
  long fd = sys_open(path, O_RDONLY | O_NONBLOCK, 0);
  if (fd < 0) return 0;
  int found = read_archive((int)fd);
  sys_close((int)fd);
  return found;
}

void find_run_drive(void) { each_name("/sys/class/block", look_at_drive, NULL); }
