#include "relay.h"

enum { EVENTS = 64, OPEN_FILES = RELAY_CONNECTIONS + 64, RLIMIT_NOFILE = 7 };

static int epoll_fd;
int relay_finishing; /* the application has ended, and 2: nothing is said any more */

long watch(int how, int fd, u32 events, u64 data) {
  struct epoll_event event = {events, data};
  return SYSCALL4(SYS_epoll_ctl, epoll_fd, how, fd, &event);
}

/* An application must not take what was cut off for the end of what its client sent. */
_Noreturn void relay_end(int status) {
  connections_break();
  sys_exit(status);
}

static void allow_files(void) {
  struct rlimit64 limit = {OPEN_FILES, OPEN_FILES};
  SYSCALL4(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, 0);
}

/* The guest may be faster than its VMM: a port is hung up until the host is there. */
static void await_host(const struct relay_setup *setup) {
  for (u32 pause = 1;; pause = pause < 200 ? pause * 2 : pause) {
    struct pollfd fds[2] = {{setup->stream, POLLOUT, 0}, {setup->link, POLLIN, 0}};
    struct timespec none = {0, 0};
    sys_poll(fds, 2, &none);
    if (fds[1].revents) sys_exit(RELAY_DONE);
    if (!(fds[0].revents & POLLHUP)) return;
    sleep_ms(pause);
  }
}

static void handle(const struct epoll_event *event) {
  if (event->data == STREAM_EVENT) {
    if (event->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) frames_read();
  } else if (event->data == LINK_EVENT) {
    if (!relay_finishing) relay_finishing = 1;
  } else {
    connection_event(event->data, event->events);
  }
}

static void wait(int busy) {
  struct epoll_event events[EVENTS];
  long got = SYSCALL5(SYS_epoll_pwait, epoll_fd, events, EVENTS, busy ? 0 : -1, 0);
  for (long i = 0; i < got; i++) handle(&events[i]);
}

/* Fills and writes while the host takes it, at most so often before it is listened to again. */
static void speak(void) {
  for (int turns = 0; turns < 8; turns++) {
    connections_speak();
    frames_flush();
    if (!connections_waiting() || !frames_empty()) return;
  }
}

/* The last word, when the last bytes of every connection have been said. */
static int said_goodbye(void) {
  if (!relay_finishing || !frames_empty() || !connections_sent()) return 0;
  frame(FRAME_GOODBYE, 0, NULL, 0);
  relay_finishing = RELAY_SILENT;
  return 1;
}

_Noreturn void relay_run(const struct relay_setup *setup) {
  allow_files();
  await_host(setup);
  epoll_fd = (int)SYSCALL1(SYS_epoll_create1, O_CLOEXEC);
  if (epoll_fd < 0) sys_exit(RELAY_FAILED);
  pool_open(setup->bound);
  connections_open(setup->address, setup->bound);
  if (watch(EPOLL_CTL_ADD, setup->stream, EPOLLIN, STREAM_EVENT) != 0) sys_exit(RELAY_FAILED);
  watch(EPOLL_CTL_ADD, setup->link, EPOLLRDHUP | EPOLLET, LINK_EVENT);
  frames_open(setup->stream);
  frames_flush();
  while (!said_goodbye()) {
    wait(connections_waiting() && frames_empty());
    speak();
  }
  for (frames_flush(); !got_goodbye; frames_flush()) wait(0);
  sys_exit(RELAY_DONE);
}
