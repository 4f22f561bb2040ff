#include "init.h"

static const char *const moved[] = {"/dev", "/proc", "/sys"};

/* Takes the kernel's file systems along; where the image has no place for one it is let go. */
static void move_mounts(void) {
  for (int i = 0; i < 3; i++) {
    char target[64];
    join(target, sizeof target, "/.wick/root", moved[i], NULL);
    if (sys_mount(moved[i], target, NULL, MS_MOVE, NULL) != 0) sys_umount(moved[i], MNT_DETACH);
  }
}

/* pivot_root does not work on an initramfs: the new root is moved over the old one. */
static void switch_root(void) {
  move_mounts();
  long result = sys_chdir("/.wick/root");
  if (result == 0) result = sys_mount(".", "/", NULL, MS_MOVE, NULL);
  if (result == 0) result = SYSCALL1(SYS_chroot, ".");
  if (result == 0) result = sys_chdir("/");
  if (result != 0) fail("root", result, "switching to it");
}

static long run_fd = -1;

/* Word `name=N` for stage 2; the descriptor N stays open across the exec. */
static char *hand_over(const char *name, int fd) {
  char word[64];
  sys_fcntl(fd, F_SETFD, 0);
  size_t length = join(word, sizeof word, name, decimal((u64)fd).text, NULL);
  return keep(word, length + 1);
}

/* Wick's own init goes on where stage 1 stopped: with its channel, its records, its drive. */
static void exec_stage2(int drive, int pending, char **envp) {
  char *argv[8] = {"/sbin/init", "--wick-stage2"};
  int n = 2;
  if (run_fd >= 0) argv[n++] = hand_over("run=", (int)run_fd);
  if (channel_fd >= 0) argv[n++] = hand_over("channel=", channel_fd);
  if (pending >= 0) argv[n++] = hand_over("pending=", pending);
  if (drive >= 0) argv[n++] = hand_over("drive=", drive);
  argv[n] = NULL;
  long result = sys_execve(argv[0], argv, envp);
  fail("root", result, "executing /sbin/init");
}

/* Any other init gets what the kernel gave us, and the network, which it could not have set up. */
static void exec_foreign(char **argv, char **envp) {
  u64 none = 0;
  network_up();
  argv[0] = "/sbin/init";
  sys_signal_mask(&none);
  console_release();
  long result = sys_execve(argv[0], argv, envp);
  char detail[4400];
  int reason = explain("/sbin/init", (int)-result, AT_FDCWD, detail, sizeof detail);
  finish_exec_failed((int)-result, reason, "/sbin/init", detail);
}

/* PID 1 in an initramfs: modules, then the root; without a ROOT record this is the root. */
_Noreturn void stage1(char **argv, char **envp) {
  struct record root;
  u64 start = now_ns();
  mount_first();
  console_open();
  records_load(RECORDS_BOOT, "/.wick/boot.rec");
  load_modules(RECORDS_BOOT); /* the channel's among them: what goes wrong later is reported */
  channel_wait_open(1000);
  report_hello();
  struct mark_head mark = {start};
  channel_send(REPORT_MARK, &mark, sizeof mark, "stage1", 6);
  records_load(RECORDS_RUN, "/.wick/run.rec");
  load_modules(RECORDS_RUN);
  if (!record_first(RECORD_ROOT, &root)) stage2();
  report_mark("modules");
  int drive = mount_root(&root);
  report_mark("root");
  run_fd = sys_open("/.wick/run.rec", O_RDONLY, 0);
  int ours = exists("/.wick/root/.wick/init.rec");
  int pending = ours ? channel_save() : -1;
  switch_root();
  if (ours) exec_stage2(drive, pending, envp);
  exec_foreign(argv, envp);
  for (;;) sleep_ms(1000);
}
