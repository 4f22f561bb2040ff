/*
 * Process 1 of a machine whose kernel sets up no network: loads the modules /modules/0.ko to 9.ko,
 * gives eth0 the address ADDRESS/MASK, and serves PAGE on port 80. Between these it waits, so that
 * who looks from outside meets a machine without a network, and one where nobody listens yet.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void load(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return;
  if (syscall(SYS_finit_module, fd, "", 0) != 0) perror(path);
  close(fd);
}

static void set(int fd, unsigned long what, const char *address) {
  struct ifreq request = {.ifr_name = "eth0"};
  struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;
  in->sin_family = AF_INET;
  inet_aton(address, &in->sin_addr);
  if (ioctl(fd, what, &request) != 0) perror(address);
}

static void set_up_network(int fd) {
  struct ifreq up = {.ifr_name = "eth0", .ifr_flags = IFF_UP | IFF_RUNNING};
  set(fd, SIOCSIFADDR, getenv("ADDRESS"));
  set(fd, SIOCSIFNETMASK, getenv("MASK"));
  if (ioctl(fd, SIOCSIFFLAGS, &up) != 0) perror("eth0");
}

static void answer(int client) {
  char request[4096];
  long got = read(client, request, sizeof request);
  printf("a client of %ld bytes\n", got);
  dprintf(client, "HTTP/1.0 200 OK\r\n\r\n%s\n", getenv("PAGE"));
  close(client);
}

int main(void) {
  struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(80)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (char name[] = "/modules/0.ko"; name[9] <= '9'; name[9]++) load(name);
  set_up_network(fd);
  puts("the network is up");
  sleep(1);
  bind(fd, (struct sockaddr *)&here, sizeof here);
  listen(fd, 8);
  puts("listening now");
  for (;;) answer(accept(fd, NULL, NULL));
}
