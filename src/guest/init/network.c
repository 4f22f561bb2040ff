#include "init.h"
#include "sockets.h"

struct interface_request {
  char name[16];
  union {
    struct ipv4_address address;
    short flags;
    u8 size[24];
  };
};
struct route {
  unsigned long pad1;
  struct ipv4_address destination, gateway, mask;
  u16 flags;
  short pad2;
  unsigned long pad3;
  void *pad4;
  short metric;
  char *device;
  unsigned long mtu, window;
  u16 irtt;
};

enum {
  SIOCADDRT = 0x890b,
  SIOCGIFFLAGS = 0x8913,
  SIOCSIFFLAGS = 0x8914,
  SIOCGIFADDR = 0x8915,
  SIOCSIFADDR = 0x8916,
  SIOCSIFNETMASK = 0x891c,
  IFF_UP = 1,
  RTF_UP = 1,
  RTF_GATEWAY = 2,
  INTERFACE_WAIT_MS = 2000,
};

static struct ipv4_address ipv4(const u8 bytes[4]) {
  struct ipv4_address address = {AF_INET, 0, {0}, {0}};
  if (bytes) memcpy(address.ipv4, bytes, 4);
  return address;
}

static struct interface_request request(const char *name) {
  struct interface_request r;
  memset(&r, 0, sizeof r);
  join(r.name, sizeof r.name, name, NULL);
  return r;
}

static long bring_up(int fd, const char *name) {
  struct interface_request r = request(name);
  long result = sys_ioctl(fd, SIOCGIFFLAGS, &r);
  r.flags |= IFF_UP;
  return result != 0 ? result : sys_ioctl(fd, SIOCSIFFLAGS, &r);
}

static long set_address(int fd, const char *name, const u8 address[4], u8 prefix) {
  struct interface_request r = request(name);
  u32 bits = prefix == 0 ? 0 : ~(u32)0 << (32 - prefix);
  u8 mask[4] = {(u8)(bits >> 24), (u8)(bits >> 16), (u8)(bits >> 8), (u8)bits};
  r.address = ipv4(address);
  long result = sys_ioctl(fd, SIOCSIFADDR, &r);
  r.address = ipv4(mask);
  if (result == 0) result = sys_ioctl(fd, SIOCSIFNETMASK, &r);
  return result != 0 ? result : bring_up(fd, name);
}

/* A card may appear a moment after its module was loaded. */
static int await_interface(const char *name) {
  char path[64];
  join(path, sizeof path, "/sys/class/net/", name, NULL);
  for (u64 end = now_ms() + INTERFACE_WAIT_MS; !exists(path); sleep_ms(2)) {
    if (now_ms() >= end) return 0;
  }
  return 1;
}

/* Whether a record is for the interface `name`; its length has been looked at. */
static int is_for(const struct record *record, const char *name) {
  size_t length = text_length(name);
  return record->length == 5 + length && memcmp(record->bytes + 5, name, length) == 0;
}

/* How many records before this one are for the same interface. */
static u32 earlier_ones(const struct record *record, const char *name) {
  struct record_cursor cursor = records_of(RECORD_ADDRESS);
  struct record other;
  u32 count = 0;
  while (record_next(&cursor, &other) && other.bytes != record->bytes) {
    count += (u32)is_for(&other, name);
  }
  return count;
}

/*
 * One ADDRESS record: four bytes, the prefix length, the interface's name. The first sets the
 * interface's address; the kernel takes more of them under the names NAME:1, NAME:2 and so on.
 */
static void configure(int fd, const struct record *record) {
  char label[32];
  if (record->length < 6 || record->bytes[4] > 32) {
    fail("network", EINVAL, "an ADDRESS record is broken");
  }
  struct record name_record = {record->bytes + 5, record->length - 5};
  const char *name = record_text(&name_record);
  if (!await_interface(name)) {
    warn("network", ENODEV, name);
    return;
  }
  u32 earlier = earlier_ones(record, name);
  join(label, sizeof label, name, earlier ? ":" : "", earlier ? decimal(earlier).text : "", NULL);
  long result = set_address(fd, label, record->bytes, record->bytes[4]);
  if (result != 0) warn("network", result, name);
}

static void add_gateway(int fd, const u8 gateway[4]) {
  struct route route;
  memset(&route, 0, sizeof route);
  route.destination = route.mask = ipv4(NULL);
  route.gateway = ipv4(gateway);
  route.flags = RTF_UP | RTF_GATEWAY;
  long result = sys_ioctl(fd, SIOCADDRT, &route);
  if (result != 0) warn("network", result, "the default route");
}

static void set_gateway(int fd) {
  struct record record;
  if (!record_first(RECORD_GATEWAY, &record) || record.length == 0) return;
  if (record.length != 4) fail("network", EINVAL, "the GATEWAY record is broken");
  add_gateway(fd, record.bytes);
}

/* Where no record says anything: the kernel's ip=, unless the kernel itself has followed it. */
static void follow_kernel_line(int fd) {
  char line[2100] = "";
  struct kernel_ip ip;
  read_file("/proc/cmdline", line, sizeof line);
  int found = kernel_ip_parse(line, &ip);
  if (found < 0) warn("network", found, "ip= on the kernel's line");
  if (found <= 0) return;
  if (!await_interface(ip.device)) {
    warn("network", ENODEV, ip.device);
    return;
  }
  struct interface_request r = request(ip.device);
  if (sys_ioctl(fd, SIOCGIFADDR, &r) == 0) return;
  long result = set_address(fd, ip.device, ip.address, ip.prefix);
  if (result != 0) warn("network", result, ip.device);
  if (result == 0 && ip.has_gateway) add_gateway(fd, ip.gateway);
}

void network_up(void) {
  struct record_cursor cursor = records_of(RECORD_ADDRESS);
  struct record record;
  long fd = sys_socket(AF_INET, SOCK_DGRAM);
  if (fd < 0) {
    if (record_next(&cursor, &record)) warn("network", fd, "the kernel has no IPv4");
    return;
  }
  long result = bring_up((int)fd, "lo");
  if (result != 0) warn("network", result, "lo");
  if (!record_first(RECORD_ADDRESS, &record)) follow_kernel_line((int)fd);
  while (record_next(&cursor, &record)) {
    if (record.length > 0) configure((int)fd, &record);
  }
  set_gateway((int)fd);
  sys_close((int)fd);
}
