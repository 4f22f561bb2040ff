/* Loads the kernel modules that /modules lists, a path a line, in this order. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void load_modules(void) {
  FILE *list = fopen("/modules", "r");
  char path[256];
  while (list && fgets(path, sizeof path, list)) {
    path[strcspn(path, "\n")] = 0;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0) printf("MODULE %s: %m\n", path);
    close(fd);
  }
}
