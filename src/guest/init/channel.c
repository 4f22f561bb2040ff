#include "init.h"

#define CHANNEL_PORT "wick.0"
enum { CHANNEL_VSOCK_PORT = 1024 };

/* The stream's descriptor; -1 before it is found, for ever when the machine has none. */
int channel_fd = -1;
/* Whether any frame of the host came; whether it acknowledged the final report. */
int host_spoke, host_acked;

/* Bytes not yet taken by the host. Reports beyond the first part are dropped, but for the last. */
enum { QUEUE_BYTES = 64 << 10, QUEUE_FOR_FINAL = 20 << 10 };
static u8 queue[QUEUE_BYTES];
static size_t queued, dropped;

static int connected, is_socket;

/* Whether somebody who speaks on the channel is still there. */
int host_is_there(void) { return host_spoke && channel_fd >= 0 && connected; }

/* Stage 1 leaves the host's commands in the port, for the stage that can follow them. */
static int listening;

void channel_listen(void) { listening = 1; }

/* A channel that broke stays closed, and one that never came is not looked for for ever. */
enum { OPEN_ATTEMPTS = 1000 };
static u32 attempts;

static void opened(long fd) {
  if (fd >= 0) {
    channel_fd = (int)fd;
    is_socket = stream_is_socket(channel_fd);
  } else if (fd != -ENODEV) {
    attempts = OPEN_ATTEMPTS; /* a host that takes connections did so before the machine began */
  }
}

void channel_open(void) {
  if (channel_fd >= 0 || attempts == OPEN_ATTEMPTS) return;
  attempts++;
  opened(stream_open(CHANNEL_PORT, CHANNEL_VSOCK_PORT));
}

void channel_wait_open(u32 ms) {
  if (channel_fd >= 0 || attempts == OPEN_ATTEMPTS) return;
  opened(stream_wait(CHANNEL_PORT, CHANNEL_VSOCK_PORT, ms));
}

/* Takes over what stage 1 opened and had not yet sent. */
void channel_adopt(int fd, int pending_fd) {
  if (fd >= 0 && sys_fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) opened(fd);
  if (pending_fd < 0) return;
  long got = sys_pread(pending_fd, queue, QUEUE_BYTES - QUEUE_FOR_FINAL, 0);
  if (got > 0) queued = (size_t)got;
  sys_close(pending_fd);
}

int channel_save(void) {
  long fd = sys_open("/.wick/pending", O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) return -1;
  for (size_t done = 0; done < queued;) {
    long got = sys_write((int)fd, queue + done, queued - done);
    if (got <= 0) break;
    done += (size_t)got;
  }
  return (int)fd;
}

static void append(size_t limit, u16 type, const void *a, size_t a_length, const void *b,
                   size_t b_length) {
  struct frame_header head = {(u32)(a_length + b_length), type, 0};
  if (sizeof head + a_length + b_length > limit - queued) {
    dropped++;
    return;
  }
  memcpy(queue + queued, &head, sizeof head);
  queued += sizeof head;
  memcpy(queue + queued, a, a_length);
  queued += a_length;
  memcpy(queue + queued, b, b_length);
  queued += b_length;
}

void channel_send(u16 type, const void *head, size_t head_length, const void *tail,
                  size_t tail_length) {
  size_t limit = QUEUE_BYTES - QUEUE_FOR_FINAL;
  if (queued < limit) append(limit, type, head, head_length, tail, tail_length);
  channel_turn();
}

static void flush(void) {
  while (queued > 0) {
    long got = sys_write(channel_fd, queue, queued);
    if (got <= 0) return;
    queued -= (size_t)got;
    memmove(queue, queue + got, queued);
  }
}

/* The host's frames: a head, then at most this much of a body is kept. */
static struct {
  u8 head[sizeof(struct frame_header)], body[64];
  u32 head_used, body_used;
} in;

static void close_channel(const char *why) {
  sys_close(channel_fd);
  channel_fd = -1;
  host_spoke = 0; /* from here on the console is all there is */
  attempts = OPEN_ATTEMPTS;
  say("closed the channel: ", why, NULL);
}

static void receive_byte(u8 byte) {
  struct frame_header head;
  if (in.head_used < sizeof head) {
    in.head[in.head_used++] = byte;
  } else {
    if (in.body_used < sizeof in.body) in.body[in.body_used] = byte;
    in.body_used++;
  }
  if (in.head_used < sizeof head) return;
  memcpy(&head, in.head, sizeof head);
  if (head.length > CHANNEL_PAYLOAD_CAP) {
    close_channel("the host sent a frame over the cap");
    in.head_used = 0;
    return;
  }
  if (in.body_used < head.length) return;
  in.head_used = in.body_used = 0;
  host_spoke = 1;
  if (head.stream == 0 && head.length <= sizeof in.body) on_command(head.type, in.body, head.length);
}

static void receive(void) {
  u8 bytes[512];
  /* Bounded, so that a host that never stops cannot keep init from its other work. */
  for (int turns = 0; turns < 16 && channel_fd >= 0; turns++) {
    long got = sys_read(channel_fd, bytes, sizeof bytes);
    if (is_socket && (got == 0 || got == -ECONNRESET)) close_channel("the host has gone");
    if (got <= 0) return;
    for (long i = 0; i < got && channel_fd >= 0; i++) receive_byte(bytes[i]);
  }
}

static short look(void) {
  struct pollfd p = {channel_fd, POLLIN | POLLOUT, 0};
  struct timespec none = {0, 0};
  return sys_poll(&p, 1, &none) == 1 ? p.revents : 0;
}

void channel_turn(void) {
  if (channel_fd < 0) channel_open();
  if (channel_fd < 0) return;
  short events = look();
  connected = !(events & POLLHUP);
  if (!connected && is_socket) close_channel("the host has gone");
  if (!connected) return;
  flush();
  if (listening && (events & POLLIN)) receive();
}

/* A port without a host is always "readable" and hung up: look at it by the clock instead. */
int channel_wants(short *events) {
  *events = queued ? POLLIN | POLLOUT : POLLIN;
  return channel_fd >= 0 && connected;
}

/* How long to wait for the ack in `ms`: long for a host that speaks, short where none listens. */
static u32 patience(void) {
  if (host_spoke) return 5000;
  return connected ? 1000 : 300;
}

static void wait_turn(u32 ms) {
  struct pollfd p = {channel_fd, 0, 0};
  struct timespec t = {0, (int64_t)ms * 1000000};
  sys_poll(&p, channel_wants(&p.events) ? 1 : 0, &t);
}

/* Sends the last report and waits for the host's ack, again for each host that connects. */
void channel_final(u16 type, const void *body, size_t length) {
  channel_wait_open(500);
  listening = 1;
  if (dropped) say("reports that no host took were dropped: ", decimal(dropped).text, NULL);
  append(QUEUE_BYTES, type, body, length, NULL, 0);
  host_acked = 0;
  u64 start = now_ms();
  channel_turn();
  while (channel_fd >= 0 && !host_acked && now_ms() - start < patience()) {
    int was_connected = connected;
    wait_turn(10);
    channel_turn();
    if (connected && !was_connected && queued == 0) {
      append(QUEUE_BYTES, type, body, length, NULL, 0);
    }
  }
}
