#include "relay-connection.h"

static void speak_final(struct connection *c, u16 type) {
  frame(type, c->number, &c->error, type == FRAME_REFUSED ? sizeof c->error : 0);
  c->state &= ~(u32)(OWES_REFUSED | OWES_RESET);
  c->state |= SENT_FINAL;
  disconnect(c, type != FRAME_CLOSED); /* the kernel still delivers what was written */
  free_if_final(c);
}

/* One frame of what the application has said; whether there may be more. */
static int speak_data(struct connection *c) {
  u32 most = c->may_send < DATA_MOST ? c->may_send : DATA_MOST;
  if (!(c->state & READABLE) || (c->state & SENT_END) || most == 0) return 0;
  long got = frame_from(c->number, c->fd, most);
  if (got > 0) {
    c->may_send -= (u32)got;
    if ((u32)got == most || (c->state & (HUNG_UP | BROKEN))) return 1;
    c->state &= ~(u32)READABLE; /* that was all; epoll tells of more, as it would of an end */
    return 0;
  }
  c->state &= ~(u32)READABLE;
  if (got == 0 && !(c->state & BROKEN)) {
    frame(FRAME_END, c->number, NULL, 0);
    c->state |= SENT_END;
  } else if (got != -EAGAIN || (c->state & BROKEN)) {
    give_up(c);
  }
  return 0;
}

/* Everything that a connection has to say, but of its data a part. */
static void speak(struct connection *c) {
  if (c->state & OWES_OPENED) {
    frame(FRAME_OPENED, c->number, NULL, 0);
    c->state &= ~(u32)OWES_OPENED;
  }
  if (c->state & (OWES_REFUSED | OWES_RESET)) {
    speak_final(c, c->state & OWES_RESET ? FRAME_RESET : FRAME_REFUSED);
    return;
  }
  if (c->fd < 0) {
    free_if_final(c);
    return;
  }
  if (c->credit > 0) frame(FRAME_CREDIT, c->number, &c->credit, sizeof c->credit);
  c->credit = 0;
  if (speak_data(c)) enqueue(c);
  if ((c->state & PASSED_END) && (c->state & SENT_END) && !(c->state & OWES_RESET)) {
    speak_final(c, FRAME_CLOSED);
  }
}

void connections_speak(void) {
  while (connections_waiting() && frames_room()) speak(dequeue());
}
