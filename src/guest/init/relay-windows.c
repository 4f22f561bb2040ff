#include "relay-connection.h"

/* What windows may grow by in all, and have, in bytes. */
static size_t growth_bound, grown;

void windows_open(size_t bound) { growth_bound = bound; }

/* The application has taken `bytes`: the host may send as many again, or twice what it might. */
void count_taken(struct connection *c, u32 bytes) {
  c->taken += bytes;
  if (c->taken < c->granted / 2 || (c->state & GOT_END)) return;
  u32 credit = c->taken;
  if (!c->first && c->granted < WINDOW_MOST && c->granted <= growth_bound - grown) {
    credit += c->granted;
    grown += c->granted;
    c->granted *= 2;
  }
  c->taken = 0;
  c->credit += credit;
  c->may_receive += credit;
  enqueue(c);
}

/* Of a connection that ends: others may grow by it. */
void forget_growth(struct connection *c) {
  grown -= c->granted - WINDOW_FIRST;
  c->granted = WINDOW_FIRST;
  c->credit = 0;
}
