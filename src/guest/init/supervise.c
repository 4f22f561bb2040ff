#include "init.h"

static int pid;
static int finished, wait_status;
static int stop_signal; /* asked for before there was an application, or 0 */
static u64 kill_at;     /* ms; 0 = never */
static int asked_to_stop;
static u64 oom_kills;

static u64 read_oom_kills(void) {
  static char text[16 << 10];
  if (read_file("/proc/vmstat", text, sizeof text) <= 0) return 0;
  for (char *at = text; *at; at++) {
    if (text_starts(at, "oom_kill ")) return parse_decimal(at + 9);
  }
  return 0;
}

static int image_stop_signal(void) {
  u32 signal = records_number(RECORD_STOP_SIGNAL, SIGTERM);
  return signal >= 1 && signal <= 64 ? (int)signal : SIGTERM;
}

static void send_signal(int signal) {
  if (pid > 0 && !finished) sys_kill(pid, signal);
}

static void stop(u32 signal, u32 grace_ms) {
  int number = signal >= 1 && signal <= 64 ? (int)signal : image_stop_signal();
  asked_to_stop = 1;
  kill_at = now_ms() + grace_ms;
  if (pid == 0) stop_signal = number;
  send_signal(number);
}

void on_command(u16 type, const u8 *body, u32 length) {
  u32 words[2] = {0, 0};
  memcpy(words, body, length < sizeof words ? length : sizeof words);
  if (type == COMMAND_ACK) host_acked = 1;
  if (type == COMMAND_SIGNAL && length == 4 && words[0] >= 1 && words[0] <= 64) {
    send_signal((int)words[0]);
  }
  if (type == COMMAND_STOP && length == 8) stop(words[0], words[1]);
}

/* What PID 1 was sent from inside or by the power button goes on to the application. */
static void take_signals(void) {
  static const u64 all = ~(u64)0;
  struct timespec none = {0, 0};
  for (long s; (s = SYSCALL4(SYS_rt_sigtimedwait, &all, 0, &none, 8)) > 0;) {
    if (s == SIGPWR) send_signal(image_stop_signal());
    else if (s != SIGCHLD) send_signal((int)s);
  }
}

/* Takes in every child that has ended, the application's orphans too; -ECHILD: none is left. */
static long reap(void) {
  enum { WNOHANG = 1 };
  int status = 0;
  long got;
  while ((got = sys_wait(-1, &status, WNOHANG)) > 0) {
    if (got == pid && !finished) {
      finished = 1;
      wait_status = status;
    }
  }
  return got;
}

static u32 port_pause = 10;
static u64 next_port_look;

static void watch_ports(void) {
  if (!ports_left() || now_ms() < next_port_look) return;
  ports_look();
  next_port_look = now_ms() + port_pause;
  if (port_pause < 100) port_pause += 5;
}

static void watch_grace(void) {
  if (kill_at == 0 || now_ms() < kill_at) return;
  kill_at = 0;
  send_signal(SIGKILL);
}

/* When the next thing is due by the clock, in `ms`; -1 = only when something happens. */
static long next_timeout(int channel_polled, int signals_polled) {
  long timeout = -1;
  u64 now = now_ms();
  u64 due[2] = {ports_left() ? next_port_look : 0, kill_at};
  for (int i = 0; i < 2; i++) {
    if (due[i] == 0) continue;
    long left = due[i] > now ? (long)(due[i] - now) : 0;
    if (timeout < 0 || left < timeout) timeout = left;
  }
  long tick = !signals_polled ? 20 : channel_fd >= 0 && !channel_polled ? 250 : -1;
  return tick >= 0 && (timeout < 0 || tick < timeout) ? tick : timeout;
}

static void sleep_until_something(int signal_fd, long cap) {
  struct pollfd fds[6];
  unsigned n = output_polls(fds);
  int polled = channel_wants(&fds[n].events);
  if (polled) fds[n++].fd = channel_fd;
  if (signal_fd >= 0) fds[n++] = (struct pollfd){signal_fd, POLLIN, 0};
  if (relay_link() >= 0) fds[n++] = (struct pollfd){relay_link(), POLLIN, 0};
  long ms = next_timeout(polled, signal_fd >= 0);
  if (cap >= 0 && (ms < 0 || ms > cap)) ms = cap;
  struct timespec t = {ms / 1000, (ms % 1000) * 1000000};
  sys_poll(fds, n, ms < 0 ? NULL : &t);
}

static void turn(int signal_fd, long cap) {
  sleep_until_something(signal_fd, cap);
  take_signals();
  output_turn();
  relay_turn();
  channel_turn();
  watch_ports();
  watch_grace();
}

static int kill_one(const char *name, void *context) {
  int other = (int)parse_decimal(name);
  (void)context;
  if (other > 1 && other != relay_pid()) sys_kill(other, SIGKILL);
  return 0;
}

/* All but the relay, which has still to send what they said: stopped first, so that none forks. */
static void kill_others(void) {
  if (relay_pid() == 0) {
    sys_kill(-1, SIGKILL);
    return;
  }
  sys_kill(-1, SIGSTOP);
  sys_kill(relay_pid(), SIGCONT);
  each_name("/proc", kill_one, NULL);
}

static void end_relay(int signal_fd) {
  u64 end = now_ms() + 2000;
  relay_let_go();
  while (relay_pid() != 0 && now_ms() < end) turn(signal_fd, 10);
  sys_kill(-1, SIGKILL);
}

/*
 * What the application said last: a console alone may take some seconds for it. A host reads it as
 * its own reader does, and is waited for as long as it is there and does not want the end.
 */
static void drain_output(int signal_fd) {
  enum { SILENCE_MS = 10000 };
  u64 end = now_ms() + SILENCE_MS;
  while ((output_open() || (host_is_there() && console_left() > 0)) && now_ms() < end) {
    turn(signal_fd, 20);
    if (host_is_there() && output_waits() && !asked_to_stop) end = now_ms() + SILENCE_MS;
  }
}

/* Nothing outlives the application: then every writer of its pipes is gone and they drain. */
static void end_others(int signal_fd) {
  u64 end = now_ms() + 3000;
  do {
    kill_others();
    turn(signal_fd, 5);
  } while (reap() != -ECHILD && now_ms() < end);
  if (relay_pid() != 0) end_relay(signal_fd);
  drain_output(signal_fd);
}

_Noreturn static void finish(void) {
  int signal = wait_status & 0x7f;
  if (signal == 0) finish_exited((u32)wait_status >> 8 & 0xff);
  finish_signalled((u32)signal, signal == SIGKILL && read_oom_kills() > oom_kills);
}

_Noreturn void supervise(struct application *application) {
  static const u64 all = ~(u64)0;
  long signal_fd = SYSCALL4(SYS_signalfd4, -1, &all, 8, O_CLOEXEC | O_NONBLOCK);
  pid = application->pid;
  oom_kills = read_oom_kills();
  ports_read();
  next_port_look = now_ms();
  output_start(application->out, application->error);
  if (stop_signal) send_signal(stop_signal);
  for (;;) {
    reap();
    if (finished) break;
    turn((int)signal_fd, -1);
  }
  report_mark("ended");
  end_others((int)signal_fd);
  finish();
}
