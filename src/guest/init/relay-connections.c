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

static struct connection all[RELAY_CONNECTIONS];
static u16 by_number[1 << 16]; /* place in `all` + 1 */
static u32 made;
static struct connection *unused;
static struct connection *queue_head, *queue_tail;

static struct ipv4_address target = {AF_INET, 0, {0}, {0}};
static size_t growth_bound, grown;
static u32 host_window;

void connections_open(const u8 address[4], size_t bound) {
  memcpy(target.ipv4, address, sizeof target.ipv4);
  growth_bound = bound;
}

void connections_greet(u32 window) { host_window = window; }

/* The connection that a frame is for; one to a number that is not in use is no frame of ours. */
static struct connection *find(u16 number) {
  struct connection *c = by_number[number] ? &all[by_number[number] - 1] : NULL;
  if (!c || (c->state & GOT_FINAL)) violated();
  return c;
}

/* Whether the host's frames for it mean nothing any more. */
static int is_deaf(const struct connection *c) {
  return c->state & (OWES_REFUSED | OWES_RESET | SENT_FINAL | BROKEN);
}

static void enqueue(struct connection *c) {
  if (c->state & QUEUED) return;
  c->state |= QUEUED;
  c->next = NULL;
  if (queue_tail) queue_tail->next = c;
  else queue_head = c;
  queue_tail = c;
}

static struct connection *dequeue(void) {
  struct connection *c = queue_head;
  queue_head = c->next;
  if (!queue_head) queue_tail = NULL;
  c->state &= ~(u32)QUEUED;
  return c;
}

static struct connection *occupy(u16 number) {
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
static void free_if_final(struct connection *c) {
  if (!(c->state & GOT_FINAL) || !(c->state & SENT_FINAL) || (c->state & QUEUED)) return;
  by_number[c->number] = 0;
  c->state = 0;
  c->next = unused;
  unused = c;
}

static void drop_first(struct connection *c) {
  struct piece *piece = c->first;
  c->first = piece->next;
  if (!c->first) c->last = NULL;
  pool_give(piece);
}

/* Lets the application's socket go, with a reset or as it is, and all that waits for it. */
static void disconnect(struct connection *c, int reset) {
  static const struct linger at_once = {1, 0};
  while (c->first) drop_first(c);
  grown -= c->granted - WINDOW_FIRST;
  c->granted = WINDOW_FIRST;
  c->credit = 0;
  if (c->fd < 0) return;
  if (reset) sys_set_option(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  sys_close(c->fd);
  c->fd = -1;
}

static void refuse(struct connection *c, long error) {
  disconnect(c, 1);
  c->state = (c->state & QUEUED) | OWES_REFUSED;
  c->error = (u32)-error;
  enqueue(c);
}

/* The application's side is gone: whoever has been told of a connection is told of a reset. */
static void give_up(struct connection *c) {
  if (c->state & CONNECTING) {
    refuse(c, -ENOBUFS);
    return;
  }
  disconnect(c, 1);
  c->state |= OWES_RESET;
  enqueue(c);
}

/* Writing failed: what the application said before it closed may still lie in the socket. */
static void break_off(struct connection *c) {
  if (c->state & SENT_END) {
    give_up(c);
    return;
  }
  while (c->first) drop_first(c);
  c->state |= BROKEN | READABLE;
  enqueue(c);
}

/* The application has taken `bytes`: the host may send as many again, or twice what it might. */
static void count_taken(struct connection *c, u32 bytes) {
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

/* How many of the bytes the application's socket takes now. */
static u32 write_some(struct connection *c, const u8 *bytes, u32 length) {
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
static void pass_end(struct connection *c) {
  if (!(c->state & GOT_END) || (c->state & (PASSED_END | CONNECTING)) || c->first) return;
  SYSCALL2(SYS_shutdown, c->fd, SHUT_WR);
  c->state |= PASSED_END;
  enqueue(c);
}

static void write_waiting(struct connection *c) {
  while (c->first && (c->state & WRITABLE)) {
    struct piece *piece = c->first;
    u32 done = write_some(c, piece->bytes + piece->start, (u32)(piece->end - piece->start));
    if (is_deaf(c)) return;
    piece->start += (u16)done;
    if (piece->start == piece->end) drop_first(c);
  }
  pass_end(c);
}

static void keep_waiting(struct connection *c, const u8 *bytes, u32 length) {
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
static void look_whether_connected(struct connection *c) {
  struct pollfd fd = {c->fd, POLLOUT, 0};
  struct timespec none = {0, 0};
  sys_poll(&fd, 1, &none);
  if (fd.revents) finish_connecting(c, (u32)fd.revents);
}

static long start_connect(struct connection *c, u16 port) {
  int yes = 1;
  if (relay_finishing) return -ESHUTDOWN;
  long fd = sys_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  if (fd < 0) return fd;
  c->fd = (int)fd;
  sys_set_option(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  target.port = (u16)(port << 8 | port >> 8);
  return sys_connect(c->fd, &target, sizeof target);
}

void connection_open(u16 number, u16 port) {
  if (number == 0 || by_number[number]) violated();
  struct connection *c = occupy(number);
  long result = start_connect(c, port);
  if (result == -EINPROGRESS) {
    c->state |= CONNECTING;
    result = 0;
  }
  u64 data = (u64)c->generation << 32 | (u64)(c - all);
  if (result == 0) {
    result = watch(EPOLL_CTL_ADD, c->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, data);
  }
  if (result != 0) refuse(c, result);
  else if (!(c->state & CONNECTING)) connected(c);
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

void connection_event(u64 data, u32 events) {
  struct connection *c = &all[(u32)data];
  if (c->generation != data >> 32 || c->fd < 0) return;
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
  while (queue_head && frames_room()) speak(dequeue());
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
