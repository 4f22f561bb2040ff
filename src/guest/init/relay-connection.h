/* What the files of the relay's connections share. Numbers are the host's; a place is ours. */
#ifndef WICK_RELAY_CONNECTION_H
#define WICK_RELAY_CONNECTION_H

#include "relay.h"
#include "sockets.h"

/* What a connection is in; none of them: a number that is not in use. */
enum {
  CONNECTING = 1 << 0,
  READABLE = 1 << 1, /* as far as is known: epoll tells of changes alone */
  WRITABLE = 1 << 2,
  BROKEN = 1 << 3, /* the application takes no more: reset behind what it has still said */
  GOT_END = 1 << 4,
  PASSED_END = 1 << 5, /* the application has been told of it, behind all bytes */
  SENT_END = 1 << 6,
  OWES_OPENED = 1 << 7,
  OWES_REFUSED = 1 << 8,
  OWES_RESET = 1 << 9,
  SENT_FINAL = 1 << 10,
  GOT_FINAL = 1 << 11,
  QUEUED = 1 << 12, /* among those that may have something to say */
  HUNG_UP = 1 << 13, /* behind its last bytes there is an end or an error to be read */
};

struct connection {
  struct connection *next;    /* in the queue, or among the unused */
  struct piece *first, *last; /* the host's bytes that the application has not taken */
  int fd;                     /* -1: none any more */
  u32 generation;             /* an event may be of a connection that was here before */
  u32 state;
  u32 may_send, may_receive; /* the windows, in bytes */
  u32 granted;               /* the receiving one at its widest */
  u32 taken;                 /* by the application, since the last credit */
  u32 credit;                /* to be sent */
  u32 error;                 /* why it was refused */
  u16 number;
};

/* relay-table.c: which numbers are in use, and who may have something to say. */
struct connection *occupy(u16 number);
struct connection *find(u16 number); /* one that the host may name; else it has violated */
int is_in_use(u16 number);
u64 event_data(const struct connection *c);
struct connection *of_event(u64 data); /* NULL: it was of a connection that is no more */
void free_if_final(struct connection *c);
void enqueue(struct connection *c);
struct connection *dequeue(void);

/* relay-endings.c */
int is_deaf(const struct connection *c);
void disconnect(struct connection *c, int reset);
void refuse(struct connection *c, long error);
void give_up(struct connection *c);
void break_off(struct connection *c);

/* relay-windows.c: how much the host may send. */
void windows_open(size_t bound);
void count_taken(struct connection *c, u32 bytes);
void forget_growth(struct connection *c);

/* relay-writing.c: the host's bytes on their way to the application. */
u32 write_some(struct connection *c, const u8 *bytes, u32 length);
void write_waiting(struct connection *c);
void keep_waiting(struct connection *c, const u8 *bytes, u32 length);
void drop_waiting(struct connection *c);
void pass_end(struct connection *c);

/* relay-application.c: the application's end. */
void application_open(const u8 address[4]);
void start_connecting(struct connection *c, u16 port);
void look_whether_connected(struct connection *c);

#endif
