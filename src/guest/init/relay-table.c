#include "relay-connection.h"

static struct connection all[RELAY_CONNECTIONS];
static u16 by_number[1 << 16]; /* place in `all` + 1 */
static u32 made;
static struct connection *unused;
static struct connection *queue_head, *queue_tail;
static u32 host_window;

void connections_greet(u32 window) { host_window = window; }

/* The connection that a frame is for; one to a number that is not in use is no frame of ours. */
struct connection *find(u16 number) {
  struct connection *c = by_number[number] ? &all[by_number[number] - 1] : NULL;
  if (!c || (c->state & GOT_FINAL)) violated();
  return c;
}

int is_in_use(u16 number) { return by_number[number] != 0; }

struct connection *occupy(u16 number) {
  struct connection *c = unused;
  if (c) unused = c->next;
  else if (made < RELAY_CONNECTIONS) c = &all[made++];
  else violated(); /* the host counts too */
  u32 generation = c->generation + 1;
  *c = (struct connection){.generation = generation, .number = number, .fd = -1};
  c->may_send = host_window;
  c->may_receive = c->granted = WINDOW_FIRST;
  by_number[number] = (u16)(c - all + 1);
  return c;
}

/* A number is free when both sides have said their last of it. */
void free_if_final(struct connection *c) {
  if (!(c->state & GOT_FINAL) || !(c->state & SENT_FINAL) || (c->state & QUEUED)) return;
  by_number[c->number] = 0;
  c->state = 0;
  c->next = unused;
  unused = c;
}

u64 event_data(const struct connection *c) { return (u64)c->generation << 32 | (u64)(c - all); }

struct connection *of_event(u64 data) {
  struct connection *c = &all[(u32)data];
  return c->generation == data >> 32 && c->fd >= 0 ? c : NULL;
}

void enqueue(struct connection *c) {
  if (c->state & QUEUED) return;
  c->state |= QUEUED;
  c->next = NULL;
  if (queue_tail) queue_tail->next = c;
  else queue_head = c;
  queue_tail = c;
}

struct connection *dequeue(void) {
  struct connection *c = queue_head;
  queue_head = c->next;
  if (!queue_head) queue_tail = NULL;
  c->state &= ~(u32)QUEUED;
  return c;
}

int connections_waiting(void) { return queue_head != NULL; }

int connections_sent(void) {
  for (u32 i = 0; i < made; i++) {
    const u32 state = all[i].state;
    if (by_number[all[i].number] == i + 1 && !(state & (SENT_END | SENT_FINAL))) return 0;
  }
  return queue_head == NULL;
}

void connections_break(void) {
  for (u32 i = 0; i < made; i++) disconnect(&all[i], 1);
}
