/*
 * Prints what init reads of a kernel's command line, given as the one word: address, prefix,
 * gateway and device, `none`, or `broken`.
 */
#include "init.h"

void start_c(long *stack);

static void print(const char *text) { sys_write(1, text, text_length(text)); }

static void print_bytes(const u8 bytes[4]) {
  for (int i = 0; i < 4; i++) {
    print(decimal(bytes[i]).text);
    if (i < 3) print(".");
  }
}

void start_c(long *stack) {
  char **argv = (char **)(stack + 1);
  struct kernel_ip ip;
  int found = kernel_ip_parse(argv[1], &ip);
  if (found == 0) print("none");
  if (found < 0) print("broken");
  if (found > 0) {
    print_bytes(ip.address);
    print("/");
    print(decimal(ip.prefix).text);
    print(" ");
    if (ip.has_gateway) print_bytes(ip.gateway);
    print(" ");
    print(ip.device);
  }
  sys_exit(0);
}
