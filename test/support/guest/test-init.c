/*
 * A first process for tests of the VMM drivers: loads the modules listed in /modules, then does
 * the one thing that `do=` on the kernel command line names, and powers off.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "load-modules.h"

static int open_soon(const char *path, int flags) {
  for (int tries = 0; tries < 500; tries++) {
    int fd = open(path, flags);
    if (fd >= 0) return fd;
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  printf("CANNOT OPEN %s: %m\n", path);
  return -1;
}

/* Prints every byte typed at the console in hex, until a q. */
static void echo_console(void) {
  struct termios raw;
  tcgetattr(0, &raw);
  cfmakeraw(&raw);
  tcsetattr(0, TCSANOW, &raw);
  printf("TYPE\r\n");
  unsigned char byte;
  while (read(0, &byte, 1) == 1 && byte != 'q') printf("KEY %02x\r\n", byte);
}

/* Greets on the channel and sends back what it gets, until a q. */
static void echo_channel(void) {
  char name[64] = "";
  FILE *file = NULL;
  for (int tries = 0; !file && tries < 500; tries++) {
    file = fopen("/sys/class/virtio-ports/vport0p1/name", "r");
    if (!file) file = fopen("/sys/class/virtio-ports/vport1p1/name", "r");
    if (!file) nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  if (file && fgets(name, sizeof name, file)) printf("PORT %s", name);
  int fd = open("/dev/vport0p1", O_RDWR);
  if (fd < 0) fd = open_soon("/dev/vport1p1", O_RDWR);
  dprintf(fd, "hello from the guest\n");
  char byte;
  while (read(fd, &byte, 1) == 1 && byte != 'q')
    if (write(fd, &byte, 1) != 1) break;
}

/* Prints what begins each drive, and whether it can be written to. */
static void look_at_drives(void) {
  for (char letter = 'a'; letter <= 'b'; letter++) {
    char path[] = "/dev/vdX", begin[9] = "";
    path[7] = letter;
    int fd = open_soon(path, O_RDONLY);
    if (read(fd, begin, 8) != 8) printf("READ: %m\n");
    close(fd);
    fd = open(path, O_RDWR);
    int written = fd < 0 ? -1 : (int)pwrite(fd, "scribble", 8, 0);
    int failed = written < 0 || fsync(fd) < 0;
    printf("DRIVE %c %s %s\n", letter, begin, failed ? strerror(errno) : "written");
  }
}

int main(void) {
  const char *what = getenv("do");
  setvbuf(stdout, NULL, _IONBF, 0);
  mount("dev", "/dev", "devtmpfs", 0, NULL);
  mount("sys", "/sys", "sysfs", 0, NULL);
  load_modules();
  printf("INIT pid %d uid %d\n", getpid(), getuid());
  if (!what) what = "nothing";
  if (!strcmp(what, "console")) echo_console();
  if (!strcmp(what, "channel")) echo_channel();
  if (!strcmp(what, "drives")) look_at_drives();
  if (!strcmp(what, "exit")) return 7;
  if (!strcmp(what, "flood")) for (int i = 0; i < 20000; i++) printf("line %d of a flood\n", i);
  if (!strcmp(what, "wait")) for (;;) pause();
  sync();
  reboot(RB_POWER_OFF);
  return 0;
}
