#include "relay-connection.h"

static void drop_first(struct connection *c) {
  struct piece *piece = c->first;
  c->first = piece->next;
  if (!c->first) c->last = NULL;
  pool_give(piece);
}

void drop_waiting(struct connection *c) {
  while (c->first) drop_first(c);
}

/* How many of the bytes the application's socket takes now. */
u32 write_some(struct connection *c, const u8 *bytes, u32 length) {
  u32 done = 0;
  while (done < length && (c->state & WRITABLE)) {
    long got = sys_write(c->fd, bytes + done, length - done);
    if (got > 0) done += (u32)got;
    else if (got == -EAGAIN) c->state &= ~(u32)WRITABLE;
    else break_off(c);
    if (is_deaf(c)) return length;
  }
  if (done > 0) count_taken(c, done);
  return done;
}

/* Behind the last byte the host's end goes to the application too. */
void pass_end(struct connection *c) {
  if (!(c->state & GOT_END) || (c->state & (PASSED_END | CONNECTING)) || c->first) return;
  SYSCALL2(SYS_shutdown, c->fd, SHUT_WR);
  c->state |= PASSED_END;
  enqueue(c);
}

void write_waiting(struct connection *c) {
  while (c->first && (c->state & WRITABLE)) {
    struct piece *piece = c->first;
    u32 done = write_some(c, piece->bytes + piece->start, (u32)(piece->end - piece->start));
    if (is_deaf(c)) return;
    piece->start += (u16)done;
    if (piece->start == piece->end) drop_first(c);
  }
  pass_end(c);
}

void keep_waiting(struct connection *c, const u8 *bytes, u32 length) {
  while (length > 0) {
    struct piece *piece = c->last;
    if (!piece || piece->end == sizeof piece->bytes) {
      piece = pool_take();
      if (!piece) {
        give_up(c);
        return;
      }
      if (c->last) c->last->next = piece;
      else c->first = piece;
      c->last = piece;
    }
    u32 fits = (u32)sizeof piece->bytes - piece->end;
    if (fits > length) fits = length;
    memcpy(piece->bytes + piece->end, bytes, fits);
    piece->end += (u16)fits;
    bytes += fits;
    length -= fits;
  }
}
