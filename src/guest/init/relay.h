/*
 * The relay's frames, version 1; docs/relay.md shows this table, src/guest/relay-types.ts and
 * relay-layout.ts hold the same one (a test compares the numbers). The header is the channel's.
 * Below it, what the relay's files offer each other; they run in a process of their own.
 */
#ifndef WICK_RELAY_H
#define WICK_RELAY_H

#include "init.h"

enum {
  RELAY_VERSION = 1,
  RELAY_PAYLOAD_BYTES = 1 << 16,
  RELAY_WINDOW_BYTES = 0x7fffffff,
  RELAY_CONNECTIONS = 4096,
};

enum relay_type {
  FRAME_HELLO = 0x8201,
  FRAME_OPEN = 0x8202,
  FRAME_OPENED = 0x8203,
  FRAME_REFUSED = 0x8204,
  FRAME_DATA = 0x8205,
  FRAME_CREDIT = 0x8206,
  FRAME_END = 0x8207,
  FRAME_RESET = 0x8208,
  FRAME_CLOSED = 0x8209,
  FRAME_GOODBYE = 0x820a,
};

struct __attribute__((packed)) relay_hello {
  u16 version, reserved;
  u32 window;
};

/* This side's windows, and how much of a connection goes into one frame. */
enum { WINDOW_FIRST = 16 << 10, WINDOW_MOST = 256 << 10, DATA_MOST = 16 << 10 };

struct epoll_event {
  u32 events;
  u64 data;
}
#ifdef __x86_64__
__attribute__((packed))
#endif
;

enum {
  EPOLLIN = 1,
  EPOLLOUT = 4,
  EPOLLERR = 8,
  EPOLLHUP = 0x10,
  EPOLLRDHUP = 0x2000,
  EPOLL_CTL_ADD = 1,
  EPOLL_CTL_MOD = 3,
};
#define EPOLLET (1u << 31)

/* relay-pool.c: room for bytes that an application does not take yet; NULL: there is none. */
struct piece {
  struct piece *next;
  u16 start, end;
  u8 bytes[4096 - sizeof(void *) - 2 * sizeof(u16)];
};
void pool_open(size_t bytes);
struct piece *pool_take(void);
void pool_give(struct piece *piece);

/* relay-process.c */
struct relay_setup {
  int stream, link; /* to the host; to init, which closes it when the application has ended */
  u8 address[4];
  size_t bound; /* bytes, for what waits and for what windows grow by, each */
};
_Noreturn void relay_run(const struct relay_setup *setup);
_Noreturn void relay_end(int status); /* resets everything */
enum { RELAY_DONE = 0, RELAY_VIOLATED = 1, RELAY_FAILED = 2 }; /* how it ended */
enum { STREAM_EVENT = 0, LINK_EVENT = 1 }; /* a connection's are above 2^32 */
enum { RELAY_SILENT = 2 };
long watch(int how, int fd, u32 events, u64 data);
extern int relay_finishing;

/* relay-frames.c: the byte stream. */
void frames_open(int stream);
void frames_read(void);
void frames_flush(void);
int frames_room(void);   /* whether what one connection may have to say at once has room */
int frames_empty(void);  /* whether everything has been written */
void frame(u16 type, u16 number, const void *body, u32 length);
long frame_from(u16 number, int fd, u32 most); /* a data frame of what a read gives; its result */
_Noreturn void violated(void);
extern int got_goodbye;

/* The connections; relay-connection.h has what their files share. */

/* relay-host.c: what a frame of the host does to one. */
void connections_open(const u8 address[4], size_t bound);
void connection_open(u16 number, u16 port);
void connection_expects(u16 number, u32 length); /* before the bytes of a data frame */
void connection_data(u16 number, const u8 *bytes, u32 length);
void connection_credit(u16 number, u32 bytes);
void connection_end(u16 number);
void connection_reset(u16 number);
void connection_closed(u16 number);

/* relay-application.c: what an event of the application's socket does. */
void connection_event(u64 data, u32 events);

/* relay-speaking.c: what they have to say to the host. */
void connections_speak(void); /* while there is room, a turn each */

/* relay-table.c */
void connections_greet(u32 window); /* the host's, of each new connection */
int connections_waiting(void);      /* whether any has something to say */
int connections_sent(void);         /* whether all have sent their end */
void connections_break(void);       /* resets all, without a word to the host */

#endif
