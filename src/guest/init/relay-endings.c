#include "relay-connection.h"

/* Whether the host's frames for it mean nothing any more. */
int is_deaf(const struct connection *c) {
  return c->state & (OWES_REFUSED | OWES_RESET | SENT_FINAL | BROKEN);
}

/* Lets the application's socket go, with a reset or as it is, and all that waits for it. */
void disconnect(struct connection *c, int reset) {
  static const struct linger at_once = {1, 0};
  drop_waiting(c);
  forget_growth(c);
  if (c->fd < 0) return;
  if (reset) sys_set_option(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  sys_close(c->fd);
  c->fd = -1;
}

void refuse(struct connection *c, long error) {
  disconnect(c, 1);
  c->state = (c->state & QUEUED) | OWES_REFUSED;
  c->error = (u32)-error;
  enqueue(c);
}

/* The application's side is gone: whoever has been told of a connection is told of a reset. */
void give_up(struct connection *c) {
  if (c->state & CONNECTING) {
    refuse(c, -ENOBUFS);
    return;
  }
  disconnect(c, 1);
  c->state |= OWES_RESET;
  enqueue(c);
}

/* Writing failed: what the application said before it closed may still lie in the socket. */
void break_off(struct connection *c) {
  if (c->state & SENT_END) {
    give_up(c);
    return;
  }
  drop_waiting(c);
  c->state |= BROKEN | READABLE;
  enqueue(c);
}
