#include "init.h"

enum { MODULE_INIT_COMPRESSED_FILE = 4 };

static int is_compressed(const char *path) {
  size_t n = text_length(path);
  return n > 3 && !text_equal(path + n - 3, ".ko");
}

static void load(const char *path) {
  long fd = sys_open(path, O_RDONLY, 0);
  if (fd < 0) {
    warn("module", fd, path);
    return;
  }
  int flags = is_compressed(path) ? MODULE_INIT_COMPRESSED_FILE : 0;
  long result = SYSCALL3(SYS_finit_module, fd, "", flags);
  sys_close((int)fd);
  if (result < 0 && result != -EEXIST) warn("module", result, path);
  sys_unlink(path); /* its bytes would stay in memory as long as the machine runs */
}

void load_modules(enum records_file which) {
  struct record_cursor cursor = records_in(which, RECORD_MODULE);
  struct record record;
  while (record_next(&cursor, &record)) {
    if (record.length > 0) load(record_text(&record));
  }
}
