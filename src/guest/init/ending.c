#include "init.h"

enum {
  REBOOT_MAGIC1 = (int)0xfee1dead,
  REBOOT_MAGIC2 = 672274793,
  REBOOT_RESTART = 0x01234567,
  REBOOT_POWER_OFF = 0x4321fedc,
};

/* The drive that holds the overlay's changes; its mount lies outside this root. */
static int drive_fd = -1;

void keep_drive(int fd) { drive_fd = fd; }

/* Puts every file system into a state that needs no repair. */
void quiesce(void) {
  char path[64];
  SYSCALL0(SYS_sync);
  sys_mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
  if (drive_fd < 0) return;
  join(path, sizeof path, "/proc/self/fd/", decimal((u64)drive_fd).text, NULL);
  sys_mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

/*
 * Without an ENDING record: who writes reboot= on the kernel's line wants a restart, as
 * Firecracker and QEMU's microvm do; everybody else has a power switch.
 */
static int asked_by_kernel_line(void) {
  char line[2100] = "";
  read_file("/proc/cmdline", line, sizeof line);
  for (char *at = line; *at; at++) {
    if (text_starts(at, "reboot=")) return ENDING_RESTART;
  }
  return ENDING_POWER_OFF;
}

static int ending(void) {
  struct record record;
  u32 value;
  if (!record_first(RECORD_ENDING, &record) || record.length != sizeof value) {
    return asked_by_kernel_line();
  }
  memcpy(&value, record.bytes, sizeof value);
  return (int)value;
}

_Noreturn void end_machine(void) {
  int command = ending() == ENDING_RESTART ? REBOOT_RESTART : (int)REBOOT_POWER_OFF;
  console_drain(2000);
  /* The kernel's own parting line is noise behind an application's output. */
  if (host_spoke) write_file("/proc/sys/kernel/printk", "0");
  SYSCALL4(SYS_reboot, REBOOT_MAGIC1, REBOOT_MAGIC2, command, 0);
  say("the kernel refused to end the machine", NULL);
  for (;;) sleep_ms(1000);
}
