#include "relay-connection.h"

void connections_open(const u8 address[4], size_t bound) {
  application_open(address);
  windows_open(bound);
}

void connection_open(u16 number, u16 port) {
  if (number == 0 || is_in_use(number)) violated();
  start_connecting(occupy(number), port);
}

void connection_expects(u16 number, u32 length) {
  struct connection *c = find(number);
  if (is_deaf(c)) return;
  if ((c->state & GOT_END) || length > c->may_receive) violated();
  c->may_receive -= length;
}

void connection_data(u16 number, const u8 *bytes, u32 length) {
  struct connection *c = find(number);
  if (c->state & CONNECTING) look_whether_connected(c);
  if (is_deaf(c)) return;
  u32 done = c->first ? 0 : write_some(c, bytes, length);
  if (!is_deaf(c)) keep_waiting(c, bytes + done, length - done);
}

void connection_credit(u16 number, u32 bytes) {
  struct connection *c = find(number);
  if (c->state & (OWES_REFUSED | SENT_FINAL)) return;
  if (bytes > RELAY_WINDOW_BYTES - c->may_send) violated();
  c->may_send += bytes;
  if (c->state & READABLE) enqueue(c);
}

void connection_end(u16 number) {
  struct connection *c = find(number);
  if (is_deaf(c)) return;
  if (c->state & GOT_END) violated();
  c->state |= GOT_END;
  pass_end(c);
}

void connection_reset(u16 number) {
  struct connection *c = find(number);
  c->state |= GOT_FINAL;
  disconnect(c, 1);
  if (c->state & SENT_FINAL) {
    free_if_final(c);
    return;
  }
  c->state &= ~(u32)(CONNECTING | OWES_OPENED | OWES_REFUSED | READABLE);
  c->state |= OWES_RESET;
  enqueue(c);
}

void connection_closed(u16 number) {
  struct connection *c = find(number);
  int both_ended = (c->state & GOT_END) && (c->state & SENT_END);
  if (!both_ended && !is_deaf(c)) violated();
  c->state |= GOT_FINAL;
  free_if_final(c);
}
