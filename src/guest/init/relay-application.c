#include "relay-connection.h"

static struct ipv4_address target = {AF_INET, 0, {0}, {0}};

void application_open(const u8 address[4]) {
  memcpy(target.ipv4, address, sizeof target.ipv4);
}

static void connected(struct connection *c) {
  c->state &= ~(u32)CONNECTING;
  c->state |= OWES_OPENED | READABLE | WRITABLE;
  enqueue(c);
  write_waiting(c);
}

static void finish_connecting(struct connection *c, u32 events) {
  long error = events & (EPOLLERR | EPOLLHUP) ? socket_error(c->fd) : 0;
  if (error != 0) refuse(c, error);
  else connected(c);
}

/* The event may still be to come when bytes do: those of a thousand connections need no room then. */
void look_whether_connected(struct connection *c) {
  struct pollfd fd = {c->fd, POLLOUT, 0};
  struct timespec none = {0, 0};
  sys_poll(&fd, 1, &none);
  if (fd.revents) finish_connecting(c, (u32)fd.revents);
}

static long connect_to(struct connection *c, u16 port) {
  int yes = 1;
  if (relay_finishing) return -ESHUTDOWN;
  long fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  if (fd < 0) return fd;
  c->fd = (int)fd;
  sys_set_option(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  target.port = (u16)(port << 8 | port >> 8);
  return sys_connect(c->fd, &target, sizeof target);
}

void start_connecting(struct connection *c, u16 port) {
  long result = connect_to(c, port);
  if (result == -EINPROGRESS) {
    c->state |= CONNECTING;
    result = 0;
  }
  if (result == 0) {
    result = watch(EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, event_data(c));
  }
  if (result != 0) refuse(c, result);
  else if (!(c->state & CONNECTING)) connected(c);
}

void connection_event(u64 data, u32 events) {
  struct connection *c = of_event(data);
  if (!c) return;
  if (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) c->state |= HUNG_UP;
  if (c->state & CONNECTING) {
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) finish_connecting(c, events);
    return;
  }
  if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
    c->state |= WRITABLE;
    write_waiting(c);
  }
  if (c->fd < 0) return;
  /* Hung up with our direction open is a reset, which a read would show if there were one to come. */
  if ((events & EPOLLHUP) && (c->state & SENT_END) && !(c->state & PASSED_END)) give_up(c);
  c->state |= READABLE;
  enqueue(c);
}
