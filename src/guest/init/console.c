#include <stdarg.h>

#include "init.h"

/* The console, non-blocking: a host that does not read it must not stop init for ever. */
int console_fd = -1;

struct termios {
  u32 input, output, control, local;
  u8 line, characters[19];
};
enum { TCGETS = 0x5401, TCSETS = 0x5402, TIOCOUTQ = 0x5411, OPOST = 1 };

/* Descriptors 0 to 2 must be something, or the next files opened would take their place. */
static void fill_standard_streams(void) {
  for (long fd; (fd = sys_open("/dev/null", O_RDWR, 0)) >= 0;) {
    if (fd > 2) {
      sys_close((int)fd);
      return;
    }
    sys_fcntl((int)fd, F_SETFD, 0);
  }
}

void console_open(void) {
  struct termios settings;
  if (console_fd >= 0) return;
  fill_standard_streams();
  console_fd = (int)sys_open("/dev/console", O_RDWR | O_NONBLOCK | O_NOCTTY, 0);
  if (console_fd < 0) return;
  if (sys_ioctl(console_fd, TCGETS, &settings) == 0) {
    settings.output &= ~(u32)OPOST; /* the application's bytes as they are */
    sys_ioctl(console_fd, TCSETS, &settings);
  }
}

/* For another init, which expects a terminal as the kernel leaves it. */
void console_release(void) {
  struct termios settings;
  if (console_fd < 0 || sys_ioctl(console_fd, TCGETS, &settings) != 0) return;
  settings.output |= OPOST;
  sys_ioctl(console_fd, TCSETS, &settings);
}

/* Waits until the console takes more, at most `ms`. */
static int wait_writable(int fd, u32 ms) {
  struct pollfd p = {fd, POLLOUT, 0};
  struct timespec t = {ms / 1000, (int64_t)(ms % 1000) * 1000000};
  return sys_poll(&p, 1, &t) == 1;
}

static void write_line(const char *line, size_t length) {
  int fd = console_fd >= 0 ? console_fd : 2;
  for (size_t done = 0; done < length;) {
    long got = sys_write(fd, line + done, length - done);
    if (got > 0) {
      done += (size_t)got;
    } else if (got != -EAGAIN || !wait_writable(fd, 500)) {
      return; /* nobody reads: the channel has the same words */
    }
  }
}

/* A line for whoever has nothing but the console; a host on the channel has been told already. */
void say(const char *first, ...) {
  static char line[8192];
  va_list words;
  if (host_spoke) return;
  size_t used = join(line, sizeof line, "wick-init: ", first, NULL);
  va_start(words, first);
  for (const char *word; (word = va_arg(words, const char *)) != NULL;) {
    used += join(line + used, sizeof line - 1 - used, word, NULL);
  }
  va_end(words);
  line[used++] = '\n';
  write_line(line, used);
}

int console_left(void) {
  int left = 0;
  return console_fd >= 0 && sys_ioctl(console_fd, TIOCOUTQ, &left) == 0 ? left : 0;
}

/* Waits until the console's own buffer is sent: what is in it is lost with the machine. */
void console_drain(u32 ms) {
  for (u64 end = now_ms() + ms; console_left() > 0 && now_ms() < end;) sleep_ms(1);
}
