/*
 * A first process that mounts the ext4 image on /dev/vda, grows it to the size of its drive
 * while it is mounted, uses the new room, and powers off.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "load-modules.h"

/* fs/ext4/ext4.h: takes the new number of blocks */
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)

static int mount_soon(void) {
  for (int tries = 0; tries < 500; tries++) {
    if (mount("/dev/vda", "/m", "ext4", 0, NULL) == 0) return 1;
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  printf("CANNOT MOUNT: %m\n");
  return 0;
}

static void grow(void) {
  uint64_t bytes = 0;
  struct statfs before, after;
  int drive = open("/dev/vda", O_RDONLY);
  if (ioctl(drive, BLKGETSIZE64, &bytes) < 0) printf("SIZE: %m\n");
  statfs("/m", &before);
  uint64_t blocks = bytes / before.f_bsize;
  int root = open("/m", O_RDONLY);
  if (ioctl(root, EXT4_IOC_RESIZE_FS, &blocks) < 0) printf("RESIZE: %m\n");
  statfs("/m", &after);
  printf("GREW %d times\n", (int)(after.f_blocks / before.f_blocks));
  int file = open("/m/large", O_RDWR | O_CREAT, 0644);
  if (fallocate(file, 0, 0, (off_t)before.f_blocks * before.f_bsize) < 0) printf("FILL: %m\n");
  close(file);
  close(root);
  close(drive);
  if (umount("/m") < 0) printf("UMOUNT: %m\n");
}

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0);
  mount("dev", "/dev", "devtmpfs", 0, NULL);
  load_modules();
  if (mount_soon()) grow();
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
