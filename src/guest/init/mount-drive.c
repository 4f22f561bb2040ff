#include "init.h"

/*
 * A mount whose source is `UUID=8-4-4-4-12/NAME` is a folder or a file of the host's that came
 * as a drive: NAME in that drive's root is bound over the target. The drive itself is mounted
 * where only init sees it, and let go: the bind keeps it.
 */
static const char place[] = "/dev/.wick-drive";

enum { DRIVE_WAIT_MS = 10000, UUID_TEXT = 36, AT_REMOVEDIR = 0x200 };

static int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of 8-4-4-4-12 hexadecimal digits; 0 when `text` does not begin with such. */
static int parse_uuid(const char *text, u8 uuid[16]) {
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) {
      if (*text++ != '-') return 0;
    }
    int high = hex(text[0]), low = high < 0 ? -1 : hex(text[1]);
    if (low < 0) return 0;
    uuid[i] = (u8)(high << 4 | low);
    text += 2;
  }
  return 1;
}

/* What is mounted over must be there: a directory, or for a file an empty one. */
static void make_target(const char *target, int is_directory) {
  char parent[4096];
  if (is_directory) {
    make_directories(target, 0755, 0, 0);
    return;
  }
  size_t end = join(parent, sizeof parent, target, NULL);
  while (end > 1 && parent[end - 1] != '/') end--;
  parent[end - 1] = 0;
  if (end > 1) make_directories(parent, 0755, 0, 0);
  long fd = sys_open(target, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY, 0644);
  if (fd >= 0) sys_close((int)fd);
}

static long bind_over(const char *inner, const char *target) {
  struct statx st;
  long result = sys_statx(AT_FDCWD, inner, AT_SYMLINK_NOFOLLOW, &st);
  if (result != 0) return result;
  make_target(target, (st.mode & S_IFMT) == S_IFDIR);
  return sys_mount(inner, target, NULL, MS_BIND, NULL);
}

void mount_drive(const char *source, const char *target, const char *type, u32 flags,
                 const char *data) {
  u8 uuid[16];
  char device[300], inner[400];
  const char *name = source + text_length("UUID=");
  if (!parse_uuid(name, uuid) || name[UUID_TEXT] != '/') {
    fail("mount", EINVAL, "a drive's UUID is broken");
  }
  await_drive("mount", uuid, now_ms() + DRIVE_WAIT_MS, device, sizeof device);
  sys_mkdir(place, 0700);
  long result = sys_mount(device, place, type, flags, data);
  if (result != 0) fail("mount", result, target);
  join(inner, sizeof inner, place, name + UUID_TEXT, NULL);
  result = bind_over(inner, target);
  if (result != 0) fail("mount", result, target);
  sys_umount(place, MNT_DETACH);
  SYSCALL3(SYS_unlinkat, AT_FDCWD, place, AT_REMOVEDIR);
}
