#include "init.h"

/* Offset of the file-system UUID in a superblock's first 1024 bytes, or -1. */
static int uuid_offset(const u8 *superblock) {
  u16 ext4_magic;
  u32 erofs_magic;
  memcpy(&ext4_magic, superblock + 0x38, sizeof ext4_magic);
  memcpy(&erofs_magic, superblock, sizeof erofs_magic);
  if (ext4_magic == 0xef53) return 0x68;
  if (erofs_magic == 0xe0f5e1e2) return 0x30;
  return -1;
}

/*
 * squashfs has no UUID: its number of inodes, its time (both at byte 4) and the bytes it uses
 * (at 40) stand for one, as the host reads them too (formats/squashfs/reader.ts).
 */
static int squashfs_identity(int fd, u8 uuid[16]) {
  u8 superblock[48];
  if (sys_pread(fd, superblock, sizeof superblock, 0) != (long)sizeof superblock) return 0;
  if (memcmp(superblock, "hsqs", 4) != 0) return 0;
  memcpy(uuid, superblock + 4, 8);
  memcpy(uuid + 8, superblock + 40, 8);
  return 1;
}

/* Reads the UUID of what lies on /dev/NAME; ext4 and EROFS begin at byte 1024. */
static int read_uuid(const char *name, u8 uuid[16]) {
  char path[300];
  u8 superblock[1024];
  join(path, sizeof path, "/dev/", name, NULL);
  long fd = sys_open(path, O_RDONLY | O_NONBLOCK, 0);
  if (fd < 0) return 0;
  int is_squashfs = squashfs_identity((int)fd, uuid);
  long got = sys_pread((int)fd, superblock, sizeof superblock, 1024);
  sys_close((int)fd);
  if (is_squashfs) return 1;
  int offset = got == (long)sizeof superblock ? uuid_offset(superblock) : -1;
  if (offset < 0) return 0;
  memcpy(uuid, superblock + offset, 16);
  return 1;
}

struct wanted {
  const u8 *uuid;
  char *path;
  size_t size;
};

static int matches(const char *name, void *context) {
  struct wanted *wanted = context;
  u8 uuid[16];
  if (text_starts(name, "loop") || text_starts(name, "ram")) return 0;
  if (!read_uuid(name, uuid) || memcmp(uuid, wanted->uuid, 16) != 0) return 0;
  join(wanted->path, wanted->size, "/dev/", name, NULL);
  return 1;
}

/* The device with this file system: by its UUID, never by its letter. */
long find_drive(const u8 uuid[16], char *path, size_t size) {
  struct wanted wanted = {uuid, path, size};
  return each_name("/sys/class/block", matches, &wanted) ? 0 : -ENOENT;
}

struct list {
  char *to;
  size_t size, used;
};

static int add_name(const char *name, void *context) {
  struct list *list = context;
  u8 uuid[16];
  const char *what = read_uuid(name, uuid) ? " (another file system)" : " (unknown contents)";
  list->used += join(list->to + list->used, list->size - list->used, " ", name, what, NULL);
  return 0;
}

/* The drives that there are, for the error when the wanted one is not among them. */
void list_drives(char *to, size_t size) {
  struct list list = {to, size, 0};
  to[0] = 0;
  each_name("/sys/class/block", add_name, &list);
  if (list.used == 0) join(to, size, " none", NULL);
}
