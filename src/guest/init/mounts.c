#include "init.h"

struct mount_row {
  const char *source, *target, *type;
  unsigned long flags;
  const char *data;
  int optional; /* a kernel may lack it */
};

static const struct mount_row first[] = {
    {"devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755", 0},
    {"proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, 0},
    {"sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, 0},
};

/* Docker's list (moby oci/defaults.go), but /dev/shm as large as Docker's own default. */
static const struct mount_row rest[] = {
    {"devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
     "newinstance,ptmxmode=0666,mode=0620,gid=5", 1},
    {"shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=65536k", 0},
    {"mqueue", "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, 1},
    {"cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL, 1},
};

static void mount_row(const struct mount_row *row) {
  sys_mkdir(row->target, 0755);
  long result = sys_mount(row->source, row->target, row->type, row->flags, row->data);
  if (result == 0 || result == -EBUSY) return; /* stage 1 or the kernel was first */
  if (row->optional && (result == -ENODEV || result == -ENOENT)) return;
  warn("mount", result, row->target);
}

void mount_first(void) {
  for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) mount_row(&first[i]);
}

static void link_devices(void) {
  static const char *const links[][2] = {
      {"/proc/self/fd", "/dev/fd"},       {"/proc/self/fd/0", "/dev/stdin"},
      {"/proc/self/fd/1", "/dev/stdout"}, {"/proc/self/fd/2", "/dev/stderr"},
      {"/proc/kcore", "/dev/core"},
  };
  for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) sys_symlink(links[i][0], links[i][1]);
}

static int root_writable(void) {
  struct statfs st;
  return sys_statfs("/", &st) == 0 && !(st.flags & ST_RDONLY);
}

/* The directories in an image's /run: made anew in the one that takes its place. */
static struct skeleton {
  char path[128];
  u32 uid, gid;
  u16 mode;
} skeleton[64];
static u32 skeletons;

static int remember(const char *name, void *context) {
  struct statx st;
  (void)context;
  if (skeletons == sizeof skeleton / sizeof skeleton[0]) return 1;
  struct skeleton *s = &skeleton[skeletons];
  if (join(s->path, sizeof s->path, "/run/", name, NULL) + 1 == sizeof s->path) return 0;
  if (sys_statx(AT_FDCWD, s->path, AT_SYMLINK_NOFOLLOW, &st) != 0) return 0;
  if ((st.mode & S_IFMT) != S_IFDIR) return 0;
  s->uid = st.uid;
  s->gid = st.gid;
  s->mode = st.mode & 07777;
  skeletons++;
  return 0;
}

static int found_any(const char *name, void *context) {
  (void)name;
  (void)context;
  return 1;
}

/*
 * In Docker /run and /tmp are part of the image, and images lay directories there: so they
 * stay, except where they could not be written at all. An empty /run loses nothing as tmpfs.
 */
static void mount_run(int writable) {
  static const struct mount_row row = {
      "tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755", 0};
  if (writable && each_name("/run", found_any, NULL)) return;
  each_name("/run", remember, NULL);
  mount_row(&row);
  for (u32 i = 0; i < skeletons; i++) {
    sys_mkdir(skeleton[i].path, 0700);
    sys_chown(skeleton[i].path, skeleton[i].uid, skeleton[i].gid);
    sys_chmod(skeleton[i].path, skeleton[i].mode);
  }
}

static void mount_tmp(int writable) {
  static const struct mount_row row = {
      "tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777", 0};
  if (!writable) {
    mount_row(&row);
  } else if (sys_mkdir("/tmp", 01777) == 0) {
    sys_chmod("/tmp", 01777);
  }
}

void mount_all(void) {
  int writable = root_writable();
  for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) mount_row(&rest[i]);
  link_devices();
  if (records_number(RECORD_READ_ONLY, 0)) return; /* Docker's --read-only: there too */
  mount_run(writable);
  mount_tmp(writable);
}

/* One MOUNT record: le32 flags, then source, target, type and data, separated by NUL. */
static void mount_record(const struct record *record) {
  char *words[4];
  u32 flags, found = 0, start = sizeof flags;
  if (record->length < sizeof flags) fail("mount", EINVAL, "a MOUNT record is cut");
  memcpy(&flags, record->bytes, sizeof flags);
  for (u32 i = start; i <= record->length && found < 4; i++) {
    if (i < record->length && record->bytes[i] != 0) continue;
    struct record word = {record->bytes + start, i - start};
    words[found++] = record_text(&word);
    start = i + 1;
  }
  if (found != 4 || start != record->length + 1) fail("mount", EINVAL, "a MOUNT record is broken");
  if (text_starts(words[0], "UUID=")) {
    mount_drive(words[0], words[1], words[2], flags, words[3]);
    return;
  }
  make_directories(words[1], 0755, 0, 0);
  long result = sys_mount(words[0], words[1], words[2], flags, words[3]);
  if (result != 0) fail("mount", result, words[1]);
}

/* What the user asked for must be there: an application without its data must not start. */
void mount_asked(void) {
  struct record_cursor cursor = records_of(RECORD_MOUNT);
  struct record record;
  while (record_next(&cursor, &record)) {
    if (record.length > 0) mount_record(&record);
  }
}

void make_read_only(void) {
  if (!records_number(RECORD_READ_ONLY, 0)) return;
  long result = sys_mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
  if (result != 0) fail("read-only", result, "/");
}
