#include "init.h"

/*
 * The kernel's own word for an address, ip=CLIENT:SERVER:GATEWAY:NETMASK:HOST:DEVICE:off
 * (Documentation/admin-guide/nfs/nfsroot.rst). Kernels without IP_PNP, as distributions' are,
 * leave it to us; what a machine of no wick's says of its network has no other way in.
 */

enum { CLIENT, SERVER, GATEWAY, NETMASK, HOST, DEVICE, FIELDS };

/* The last word of that name counts, as it does for the kernel; what follows -- is not its. */
static const char *find_word(const char *line) {
  const char *found = NULL;
  for (const char *at = line; *at; at++) {
    if (at != line && at[-1] != ' ') continue;
    if (text_starts(at, "-- ")) break;
    if (text_starts(at, "ip=")) found = at + 3;
  }
  return found;
}

static int in_field(char byte) { return byte && byte != ' ' && byte != '\n' && byte != ':'; }

/* Four numbers of one byte each, with dots between; 0 when the field is anything else. */
static int read_address(const char *at, u8 address[4]) {
  for (int i = 0; i < 4; i++) {
    u32 number = 0, digits = 0;
    for (; *at >= '0' && *at <= '9' && digits < 3; at++, digits++) {
      number = number * 10 + (u32)(*at - '0');
    }
    if (digits == 0 || number > 255) return 0;
    address[i] = (u8)number;
    if (i < 3 && *at++ != '.') return 0;
  }
  return !in_field(*at);
}

/* Bits of a mask, -1 when there are gaps in it. */
static int prefix_of(const u8 mask[4]) {
  u32 bits = (u32)mask[0] << 24 | (u32)mask[1] << 16 | (u32)mask[2] << 8 | mask[3];
  int prefix = 0;
  while (prefix < 32 && bits & 1u << (31 - prefix)) prefix++;
  return prefix < 32 && bits << prefix ? -1 : prefix;
}

/* What networks were before masks: the kernel's default too. */
static int class_prefix(const u8 address[4]) {
  return address[0] < 128 ? 8 : address[0] < 192 ? 16 : 24;
}

static void split(const char *at, const char *fields[FIELDS]) {
  for (int i = 0; i < FIELDS; i++) {
    fields[i] = at;
    while (in_field(*at)) at++;
    if (*at == ':') at++;
  }
}

static void take_device(const char *at, char device[16]) {
  int length = 0;
  for (; in_field(*at) && length < 15; at++) device[length++] = *at;
  device[length] = 0;
  if (length == 0) join(device, 16, "eth0", NULL);
}

/* 1: an address is asked for; 0: none; -EINVAL: a word that is none of an address. */
int kernel_ip_parse(const char *line, struct kernel_ip *ip) {
  const char *fields[FIELDS], *word = find_word(line);
  u8 mask[4];
  int prefix;
  if (!word || !in_field(*word) || text_starts(word, "off") || text_starts(word, "none")) return 0;
  split(word, fields);
  if (!read_address(fields[CLIENT], ip->address)) return -EINVAL;
  ip->has_gateway = in_field(*fields[GATEWAY]);
  if (ip->has_gateway && !read_address(fields[GATEWAY], ip->gateway)) return -EINVAL;
  prefix = class_prefix(ip->address);
  if (in_field(*fields[NETMASK])) {
    prefix = read_address(fields[NETMASK], mask) ? prefix_of(mask) : -1;
  }
  if (prefix < 0) return -EINVAL;
  ip->prefix = (u8)prefix;
  take_device(fields[DEVICE], ip->device);
  return 1;
}
