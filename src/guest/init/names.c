#include "init.h"

/* A file that says something; a dangling link or an empty file does not. */
static int says_something(const char *path) {
  struct statx st;
  return sys_statx(AT_FDCWD, path, 0, &st) == 0 && st.size > 0;
}

/* On a read-only root the words lie in memory, over the image's empty file. */
static long bind_over(const char *path, const char *text) {
  char place[300];
  sys_mkdir("/run/.wick", 0755);
  join(place, sizeof place, "/run/.wick", path + 4, NULL); /* after "/etc" */
  long result = write_file(place, text);
  return result != 0 ? result : sys_mount(place, path, NULL, MS_BIND, NULL);
}

/* Whether the machine's own names go over those that the image has. */
static int replace_all(void) { return records_number(RECORD_NAMES, 0) != 0; }

static void put(const char *path, const char *text) {
  struct statx st;
  if (sys_statx(AT_FDCWD, path, 0, &st) == -ENOENT) sys_unlink(path); /* a dangling link */
  make_directories("/etc", 0755, 0, 0);
  long result = write_file(path, text);
  if (result == -EROFS) result = bind_over(path, text);
  if (result != 0) warn("names", result, path);
}

/* `text` with a line for each record of `key`. */
static size_t add_lines(char *text, size_t size, size_t used, const char *word,
                        enum record_key key) {
  struct record_cursor cursor = records_of(key);
  struct record record;
  while (record_next(&cursor, &record)) {
    if (record.length == 0) continue;
    used += join(text + used, size - used, word, record_text(&record), "\n", NULL);
  }
  return used;
}

/* The first address by which others know the machine. */
static int own_address(struct record *record) {
  struct record_cursor cursor = records_of(RECORD_ADDRESS);
  while (record_next(&cursor, record)) {
    if (record->length >= 6 && record->bytes[0] != 127) return 1;
  }
  return 0;
}

static size_t add_own_address(char *text, size_t size, size_t used, const char *hostname) {
  struct record record;
  if (!own_address(&record)) {
    return used + join(text + used, size - used, "127.0.1.1\t", hostname, "\n", NULL);
  }
  for (int i = 0; i < 4; i++) {
    const char *after = i < 3 ? "." : "\t";
    used += join(text + used, size - used, decimal(record.bytes[i]).text, after, NULL);
  }
  return used + join(text + used, size - used, hostname, "\n", NULL);
}

static void write_hosts(const char *hostname) {
  static char text[16 << 10];
  struct record record;
  int asked = replace_all() || (record_first(RECORD_HOSTS, &record) && record.length > 0);
  if (says_something("/etc/hosts") && !asked) return;
  size_t used = join(text, sizeof text,
                     "127.0.0.1\tlocalhost\n"
                     "::1\tlocalhost ip6-localhost ip6-loopback\n",
                     NULL);
  used = add_own_address(text, sizeof text, used, hostname);
  add_lines(text, sizeof text, used, "", RECORD_HOSTS);
  put("/etc/hosts", text);
}

static void write_resolver(void) {
  static char text[8 << 10];
  if (says_something("/etc/resolv.conf") && !replace_all()) return;
  size_t used = add_lines(text, sizeof text, 0, "search ", RECORD_SEARCH);
  used = add_lines(text, sizeof text, used, "nameserver ", RECORD_NAMESERVER);
  if (used > 0) put("/etc/resolv.conf", text);
}

void write_names(void) {
  static char line[300];
  const char *hostname = records_text(RECORD_HOSTNAME);
  if (!hostname || !*hostname) hostname = "wick";
  long result = SYSCALL2(SYS_sethostname, hostname, text_length(hostname));
  if (result != 0) warn("names", result, "the host name");
  join(line, sizeof line, hostname, "\n", NULL);
  if (replace_all() || !says_something("/etc/hostname")) put("/etc/hostname", line);
  write_hosts(hostname);
  write_resolver();
}

/* What Docker sets in every container: any user may bind port 80 and send echo requests. */
void set_sysctls(void) {
  static const char *const settings[][2] = {
      {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
      {"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
  };
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    long result = write_file(settings[i][0], settings[i][1]);
    if (result != 0 && result != -ENOENT) warn("sysctl", result, settings[i][0]);
  }
}
