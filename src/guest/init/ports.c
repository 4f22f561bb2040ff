#include "init.h"

enum { PORTS = 64, TCP_LISTEN = 0x0a };

static struct {
  u16 port;
  u8 reported, warned;
} ports[PORTS];
static u32 count;

void ports_read(void) {
  struct record_cursor cursor = records_of(RECORD_PORT);
  struct record record;
  while (record_next(&cursor, &record)) {
    if (record.length == 0) continue;
    if (count == PORTS) {
      warn("ports", 0, "only the first 64 are watched");
      return;
    }
    ports[count++].port = record_u16(&record);
  }
}

int ports_left(void) {
  for (u32 i = 0; i < count; i++) {
    if (!ports[i].reported) return 1;
  }
  return 0;
}

static u32 parse_hex(const char *s, const char **rest) {
  u32 value = 0;
  for (;; s++) {
    if (*s >= '0' && *s <= '9') value = value << 4 | (u32)(*s - '0');
    else if (*s >= 'A' && *s <= 'F') value = value << 4 | (u32)(*s - 'A' + 10);
    else break;
  }
  *rest = s;
  return value;
}

/*
 * 127.0.0.0/8, ::1, or the former as IPv6 sockets have it, ::ffff:127.0.0.0/104. The kernel
 * prints each 32-bit word of an address in the machine's order.
 */
static int is_loopback(const char *address, size_t digits) {
  static const char ipv6[] = "00000000000000000000000001000000";
  static const char mapped[] = "0000000000000000FFFF0000";
  if (digits == 32 && memcmp(address, ipv6, sizeof ipv6 - 1) == 0) return 1;
  if (digits == 32 && memcmp(address, mapped, sizeof mapped - 1) != 0) return 0;
  return address[digits - 2] == '7' && address[digits - 1] == 'F';
}

static void found(u16 port, int loopback) {
  for (u32 i = 0; i < count; i++) {
    if (ports[i].port != port || ports[i].reported) continue;
    if (!loopback) {
      ports[i].reported = 1;
      report_listening(port);
    } else if (!ports[i].warned) {
      char words[100];
      ports[i].warned = 1;
      join(words, sizeof words, "port ", decimal(port).text,
           " listens on the loopback address alone: nothing outside reaches it", NULL);
      warn("ports", 0, words);
    }
  }
}

/* `  N: ADDRESS:PORT ADDRESS:PORT STATE …`, all hexadecimal. */
static void look_at(const char *line) {
  const char *rest = line;
  while (*rest == ' ') rest++;
  while (*rest >= '0' && *rest <= '9') rest++;
  if (rest[0] != ':' || rest[1] != ' ') return;
  const char *address = rest + 2;
  while (*rest != ':' || rest < address) {
    if (!*rest++) return;
  }
  size_t digits = (size_t)(rest - address);
  u32 port = parse_hex(rest + 1, &rest);
  while (*rest == ' ') rest++;
  while (*rest && *rest != ' ') rest++;
  while (*rest == ' ') rest++;
  if (parse_hex(rest, &rest) != TCP_LISTEN || (digits != 8 && digits != 32)) return;
  found((u16)port, is_loopback(address, digits));
}

static void look_in(const char *path) {
  char bytes[2048], line[160];
  size_t used = 0;
  long fd = sys_open(path, O_RDONLY, 0);
  if (fd < 0) return;
  for (long got; (got = sys_read((int)fd, bytes, sizeof bytes)) > 0;) {
    for (long i = 0; i < got; i++) {
      if (bytes[i] != '\n') {
        if (used + 1 < sizeof line) line[used++] = bytes[i];
        continue;
      }
      line[used] = 0;
      used = 0;
      look_at(line);
    }
  }
  sys_close((int)fd);
}

void ports_look(void) {
  look_in("/proc/net/tcp");
  if (ports_left()) look_in("/proc/net/tcp6");
}
