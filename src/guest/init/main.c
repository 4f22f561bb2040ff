#include "init.h"

void start_c(long *stack);

enum { REBOOT_MAGIC1 = (int)0xfee1dead, REBOOT_MAGIC2 = 672274793, REBOOT_CAD_OFF = 0 };

static int in_initramfs(void) {
  struct statfs st;
  if (sys_statfs("/", &st) != 0) return 0;
  return st.type == RAMFS_MAGIC || st.type == TMPFS_MAGIC;
}

/* N of the word `nameN` among stage 1's words, or -1. */
static int handed_over(char **words, const char *name) {
  for (; *words; words++) {
    if (text_starts(*words, name)) return (int)parse_decimal(*words + text_length(name));
  }
  return -1;
}

static void adopt(char **words) {
  channel_adopt(handed_over(words, "channel="), handed_over(words, "pending="));
  int drive = handed_over(words, "drive="), run = handed_over(words, "run=");
  if (drive >= 0 && sys_fcntl(drive, F_SETFD, FD_CLOEXEC) == 0) keep_drive(drive);
  if (run >= 0) {
    records_load_at(RECORDS_RUN, run, 0, UINT64_MAX);
    sys_close(run);
  }
}

void start_c(long *stack) {
  char **argv = (char **)(stack + 1);
  char **envp = argv + stack[0] + 1;
  u64 all = ~(u64)0;
  if (SYSCALL0(SYS_getpid) != 1) {
    say("this is the first process of a machine; it does nothing else", NULL);
    sys_exit(1);
  }
  SYSCALL1(SYS_umask, 022);
  sys_signal_mask(&all); /* they wait until somebody asks for them */
  SYSCALL4(SYS_reboot, REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_CAD_OFF, 0);
  int second = stack[0] > 1 && text_equal(argv[1], "--wick-stage2");
  if (!second && in_initramfs()) stage1(argv, envp);
  mount_first();
  console_open();
  if (second) adopt(argv + 2);
  channel_wait_open(second ? 200 : 1000); /* stage 1 has waited already */
  if (!second) {
    report_hello();
    find_run_drive();
  }
  stage2();
}
