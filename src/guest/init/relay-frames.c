#include "relay.h"

static int stream;

/*
 * Frames for the host: filled while it is empty, written until it is empty again. Its room is for
 * some frames of data; what one connection may say at once is one of them and a few without.
 */
enum { OUT_BYTES = 128 << 10, TURN_BYTES = DATA_MOST + 64 };
static u8 out[OUT_BYTES];
static size_t out_start, out_end;
static int waits_for_host;

/* The frame that is being read; of a payload that is not data the first bytes are kept. */
static struct {
  struct frame_header head;
  u32 head_used, body_used;
  u8 body[sizeof(struct relay_hello)];
} in;
static int got_hello;
int got_goodbye;

_Noreturn void violated(void) { relay_end(RELAY_VIOLATED); }

int frames_empty(void) { return out_start == out_end; }

int frames_room(void) { return out_start == 0 && sizeof out - out_end >= TURN_BYTES; }

static void put_head(u16 type, u16 number, u32 length) {
  struct frame_header head = {length, type, number};
  memcpy(out + out_end, &head, sizeof head);
  out_end += sizeof head;
}

void frame(u16 type, u16 number, const void *body, u32 length) {
  put_head(type, number, length);
  if (length > 0) memcpy(out + out_end, body, length);
  out_end += length;
}

long frame_from(u16 number, int fd, u32 most) {
  long got = sys_read(fd, out + out_end + sizeof(struct frame_header), most);
  if (got <= 0) return got;
  put_head(FRAME_DATA, number, (u32)got);
  out_end += (size_t)got;
  return got;
}

void frames_open(int fd) {
  struct relay_hello hello = {RELAY_VERSION, 0, WINDOW_FIRST};
  stream = fd;
  frame(FRAME_HELLO, 0, &hello, sizeof hello);
}

/* The host is asked to say when it takes more only where it did not. */
static void wait_for_host(int wait) {
  if (wait == waits_for_host) return;
  waits_for_host = wait;
  watch(EPOLL_CTL_MOD, stream, wait ? EPOLLIN | EPOLLOUT : EPOLLIN, STREAM_EVENT);
}

void frames_flush(void) {
  while (out_start < out_end) {
    long got = sys_write(stream, out + out_start, out_end - out_start);
    if (got == -EAGAIN) break;
    if (got <= 0) relay_end(RELAY_DONE); /* the host has gone */
    out_start += (size_t)got;
  }
  if (out_start == out_end) out_start = out_end = 0;
  wait_for_host(out_start < out_end);
}

static void take_hello(void) {
  struct relay_hello hello;
  memcpy(&hello, in.body, sizeof hello);
  if (got_hello || in.head.stream != 0 || hello.version != RELAY_VERSION) violated();
  if (hello.window > RELAY_WINDOW_BYTES) violated();
  got_hello = 1;
  connections_greet(hello.window);
}

static void take_goodbye(void) {
  if (in.head.stream != 0 || relay_finishing != RELAY_SILENT) violated();
  got_goodbye = 1;
}

static u32 number_in_body(void) {
  u32 number = 0;
  memcpy(&number, in.body, in.head.length < sizeof number ? in.head.length : sizeof number);
  return number;
}

/* A frame whose payload is all there, but for data, which has gone its way. */
static void take_frame(void) {
  u16 type = in.head.type, number = in.head.stream;
  if (type == FRAME_HELLO) take_hello();
  else if (type == FRAME_GOODBYE) take_goodbye();
  else if (type == FRAME_OPEN) connection_open(number, (u16)number_in_body());
  else if (type == FRAME_CREDIT) connection_credit(number, number_in_body());
  else if (type == FRAME_END) connection_end(number);
  else if (type == FRAME_RESET) connection_reset(number);
  else if (type == FRAME_CLOSED) connection_closed(number);
}

static const struct {
  u16 type, length;
} lengths[] = {
    {FRAME_HELLO, sizeof(struct relay_hello)},
    {FRAME_OPEN, sizeof(u16)},
    {FRAME_CREDIT, sizeof(u32)},
    {FRAME_END, 0},
    {FRAME_RESET, 0},
    {FRAME_CLOSED, 0},
    {FRAME_GOODBYE, 0},
};

/* Whether a head may be followed by what it announces. */
static void check_head(void) {
  if (in.head.length > RELAY_PAYLOAD_BYTES) violated();
  if (!got_hello && in.head.type != FRAME_HELLO) violated();
  if (in.head.type == FRAME_DATA) {
    connection_expects(in.head.stream, in.head.length);
    return;
  }
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    if (lengths[i].type != in.head.type) continue;
    if (lengths[i].length != in.head.length) violated();
    return;
  }
  if (in.head.type & CHANNEL_TYPE_MUST) violated();
}

static u32 take_head(const u8 *bytes, u32 length) {
  u32 fits = (u32)sizeof in.head - in.head_used;
  if (fits > length) fits = length;
  memcpy((u8 *)&in.head + in.head_used, bytes, fits);
  in.head_used += fits;
  if (in.head_used == sizeof in.head) check_head();
  return fits;
}

static u32 take_body(const u8 *bytes, u32 length) {
  u32 fits = in.head.length - in.body_used;
  if (fits > length) fits = length;
  if (in.head.type == FRAME_DATA) {
    if (fits > 0) connection_data(in.head.stream, bytes, fits);
  } else {
    for (u32 i = 0; i < fits && in.body_used + i < sizeof in.body; i++) {
      in.body[in.body_used + i] = bytes[i];
    }
  }
  in.body_used += fits;
  return fits;
}

static void take(const u8 *bytes, u32 length) {
  for (u32 at = 0; at < length;) {
    if (in.head_used < sizeof in.head) at += take_head(bytes + at, length - at);
    if (in.head_used < sizeof in.head) return;
    at += take_body(bytes + at, length - at);
    if (in.body_used < in.head.length) return;
    take_frame();
    in.head_used = in.body_used = 0;
  }
}

/*
 * As much as is there, before any of it is looked at: a port gives a page at a time (less: there
 * was no more), and the application's socket is better served with more. Bounded, so that the
 * other direction has its turn too.
 */
void frames_read(void) {
  enum { PAGE = 4096 };
  static u8 bytes[96 << 10];
  size_t used = 0;
  long got = PAGE;
  while (used < sizeof bytes && got >= PAGE) {
    got = sys_read(stream, bytes + used, sizeof bytes - used);
    if (got > 0) used += (size_t)got;
  }
  take(bytes, (u32)used);
  if (got <= 0 && got != -EAGAIN) relay_end(RELAY_DONE); /* the host has gone */
}
