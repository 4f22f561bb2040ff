#include "init.h"

enum { ROOT_WAIT_MS = 10000 };

static void uuid_text(const u8 uuid[16], char *to) {
  static const char hex[] = "0123456789abcdef";
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
    *to++ = hex[uuid[i] >> 4];
    *to++ = hex[uuid[i] & 15];
  }
  *to = 0;
}

_Noreturn static void no_drive(const char *what, const u8 uuid[16]) {
  char words[1024], id[40], drives[600];
  uuid_text(uuid, id);
  list_drives(drives, sizeof drives);
  join(words, sizeof words, "no drive holds file system ", id, "; drives seen:", drives, NULL);
  fail(what, ENOENT, words);
}

/* Devices appear while the kernel works: look again until `end`. */
void await_drive(const char *what, const u8 uuid[16], u64 end, char *path, size_t size) {
  for (u32 pause = 2; find_drive(uuid, path, size) != 0; pause += pause < 50 ? pause : 0) {
    if (now_ms() >= end) no_drive(what, uuid);
    sleep_ms(pause);
  }
}

static void mount_or_fail(const char *what, const char *source, const char *target,
                          const char *type, unsigned long flags, const char *data) {
  sys_mkdir(target, 0755);
  long result = sys_mount(source, target, type, flags, data);
  if (result == 0) return;
  char words[400];
  join(words, sizeof words, "mounting ", source, " as ", type, NULL);
  fail(what, result, words);
}

/* The upper directory becomes the root's own inode: it gets the image's mode and owner. */
static void make_upper(void) {
  struct statx st;
  sys_mkdir("/.wick/drive/work", 0755);
  sys_mkdir("/.wick/drive/upper", 0755);
  if (sys_statx(AT_FDCWD, "/.wick/lower", 0, &st) == 0) {
    sys_chown("/.wick/drive/upper", st.uid, st.gid);
    sys_chmod("/.wick/drive/upper", st.mode & 07777);
  }
}

/* Mounts what holds the changes of this run; returns a descriptor of it. */
static int mount_changes(u64 end) {
  struct record overlay;
  char path[300];
  if (record_first(RECORD_OVERLAY, &overlay) && overlay.length == 16) {
    await_drive("overlay", overlay.bytes, end, path, sizeof path);
    mount_or_fail("overlay", path, "/.wick/drive", "ext4", MS_NOATIME, NULL);
  } else {
    mount_or_fail("overlay", "tmpfs", "/.wick/drive", "tmpfs", 0, "mode=0755");
  }
  return (int)sys_open("/.wick/drive", O_RDONLY | O_DIRECTORY, 0);
}

int mount_root(const struct record *root) {
  char path[300];
  if (root->length < 18) fail("root", EINVAL, "the ROOT record is cut");
  u8 mode = root->bytes[16];
  struct record type_record = {root->bytes + 17, root->length - 17};
  const char *type = record_text(&type_record);
  u64 end = now_ms() + records_number(RECORD_ROOT_WAIT, ROOT_WAIT_MS);
  await_drive("root", root->bytes, end, path, sizeof path);
  if (mode == ROOT_RW || mode == ROOT_RO) {
    mount_or_fail("root", path, "/.wick/root", type, mode == ROOT_RO ? MS_RDONLY : 0, NULL);
    return -1;
  }
  if (mode != ROOT_OVERLAY) fail("root", EINVAL, "the ROOT record has an unknown mode");
  mount_or_fail("root", path, "/.wick/lower", type, MS_RDONLY, NULL);
  int drive = mount_changes(end);
  make_upper();
  mount_or_fail("overlay", "overlay", "/.wick/root", "overlay", 0,
                "lowerdir=/.wick/lower,upperdir=/.wick/drive/upper,workdir=/.wick/drive/work");
  return drive;
}
