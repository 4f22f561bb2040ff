#include "init.h"

/* The application's two pipes, and what was read from them and not yet written. */
static int pipes[2] = {-1, -1};
static u8 buffer[16 << 10];
static size_t start, end;

void output_start(int out, int error) {
  pipes[0] = out;
  pipes[1] = error;
}

/* Whether bytes may still come or wait to be written. */
int output_open(void) { return pipes[0] >= 0 || pipes[1] >= 0 || start < end; }

int output_waits(void) { return start < end || console_left() > 0; }

/* A pipe is read only when the buffer is empty: a slow console slows the application. */
unsigned output_polls(struct pollfd *fds) {
  unsigned n = 0;
  if (start < end) {
    fds[n++] = (struct pollfd){console_fd, POLLOUT, 0};
    return n;
  }
  for (int i = 0; i < 2; i++) {
    if (pipes[i] >= 0) fds[n++] = (struct pollfd){pipes[i], POLLIN, 0};
  }
  return n;
}

/* 1 when the buffer is empty, 0 when the console takes no more for now. */
static int write_out(void) {
  while (start < end) {
    long got = console_fd >= 0 ? sys_write(console_fd, buffer + start, end - start) : -EIO;
    if (got == -EAGAIN || got == -EINTR) return 0;
    if (got <= 0) break; /* no console, or it is gone: nowhere to write to */
    start += (size_t)got;
  }
  start = end = 0;
  return 1;
}

static int read_in(int i) {
  if (pipes[i] < 0) return 0;
  long got = sys_read(pipes[i], buffer, sizeof buffer);
  if (got > 0) {
    end = (size_t)got;
    return 1;
  }
  if (got != -EAGAIN && got != -EINTR) {
    sys_close(pipes[i]);
    pipes[i] = -1;
  }
  return 0;
}

/* Moves what can be moved without waiting; bounded, so that other work has its turn. */
void output_turn(void) {
  for (int turns = 0; turns < 32; turns++) {
    int moved = 0;
    for (int i = 0; i < 2; i++) {
      if (!write_out()) return;
      moved |= read_in(i);
    }
    if (!write_out() || !moved) return;
  }
}
