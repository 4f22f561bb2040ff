#include "relay.h"
#include "sockets.h"

#define RELAY_PORT "wick.1"
enum { RELAY_VSOCK_PORT = 1025, STREAM_MS = 2000, BOUND_LEAST = 2 << 20, BOUND_PART = 32 };
enum { PR_SET_NAME = 15, WNOHANG = 1, WCLONE = (int)0x80000000 };

static int pid, link_fd = -1, let_go;

int relay_pid(void) { return pid; }

int relay_link(void) { return link_fd; }

struct system_info {
  long uptime;
  unsigned long loads[3], total, free, shared, buffers, swap, swap_free;
  u16 processes, pad;
  unsigned long high, high_free;
  u32 unit;
};

/* Each of its two kinds of room may take this much of the machine. */
static size_t bound(void) {
  struct system_info info;
  memset(&info, 0, sizeof info);
  SYSCALL1(SYS_sysinfo, &info);
  u64 part = (u64)info.total * info.unit / BOUND_PART & ~(u64)4095;
  return part > BOUND_LEAST ? (size_t)part : BOUND_LEAST;
}

/* Nothing of init's but the two descriptors goes into the process. */
_Noreturn static void become_relay(struct relay_setup *setup) {
  enum { FIRST = 3, OTHERS = 64 };
  int stream = (int)sys_fcntl(setup->stream, F_DUPFD_CLOEXEC, OTHERS);
  int link = (int)sys_fcntl(setup->link, F_DUPFD_CLOEXEC, OTHERS);
  for (int fd = FIRST; fd < OTHERS; fd++) sys_close(fd);
  setup->stream = stream;
  setup->link = link;
  SYSCALL2(SYS_prctl, PR_SET_NAME, "wick-relay");
  relay_run(setup);
}

static void start(int stream, const struct record *record) {
  struct relay_setup setup = {.stream = stream, .bound = bound()};
  int ends[2];
  memcpy(setup.address, record->bytes, sizeof setup.address);
  long result = SYSCALL4(SYS_socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
  if (result != 0) {
    warn("relay", result, "a pair of sockets for it");
    return;
  }
  setup.link = ends[1];
  /* Without a signal at its end, so that it is none of the children that init waits for. */
  result = SYSCALL1(SYS_clone, 0);
  if (result == 0) become_relay(&setup);
  if (result < 0) warn("relay", result, "a process for it");
  else pid = (int)result;
  sys_close(ends[1]);
  link_fd = ends[0];
}

/* Before the application, which might else reach the host's end first. */
void relay_start(void) {
  struct record record;
  if (!record_first(RECORD_RELAY, &record) || record.length == 0) return;
  if (record.length != 4) fail("relay", EINVAL, "the RELAY record is broken");
  long stream = stream_wait(RELAY_PORT, RELAY_VSOCK_PORT, STREAM_MS);
  if (stream < 0) {
    warn("relay", stream, "published ports do not answer: no way to the host");
    return;
  }
  start((int)stream, &record);
  sys_close((int)stream);
}

static const char *why(int status) {
  if ((status & 0x7f) != 0) return "published ports answer no more: its process was killed";
  switch (status >> 8 & 0xff) {
    case RELAY_DONE: return NULL; /* the host has closed it */
    case RELAY_VIOLATED: return "published ports answer no more: the host broke its protocol";
    default: return "published ports do not answer: it could not be set up";
  }
}

/* Takes in the process when it has ended; that it has while it was needed is said once. */
void relay_turn(void) {
  int status = 0;
  if (pid == 0 || sys_wait(pid, &status, WNOHANG | WCLONE) != pid) return;
  pid = 0;
  if (link_fd >= 0) sys_close(link_fd);
  link_fd = -1;
  if (!let_go && why(status)) warn("relay", 0, why(status));
}

void relay_let_go(void) {
  let_go = 1;
  if (link_fd >= 0) sys_close(link_fd);
  link_fd = -1;
}
