/* What differs between the architectures: system call numbers, three open flags, names. */
#ifndef WICK_ARCH_H
#define WICK_ARCH_H

#if defined(__x86_64__)

enum {
  SYS_read = 0,
  SYS_write = 1,
  SYS_close = 3,
  SYS_mmap = 9,
  SYS_rt_sigprocmask = 14,
  SYS_ioctl = 16,
  SYS_pread64 = 17,
  SYS_getpid = 39,
  SYS_socket = 41,
  SYS_clone = 56,
  SYS_execve = 59,
  SYS_wait4 = 61,
  SYS_kill = 62,
  SYS_fcntl = 72,
  SYS_chdir = 80,
  SYS_fchown = 93,
  SYS_umask = 95,
  SYS_setsid = 112,
  SYS_setgroups = 116,
  SYS_setresuid = 117,
  SYS_setresgid = 119,
  SYS_rt_sigtimedwait = 128,
  SYS_statfs = 137,
  SYS_chroot = 161,
  SYS_sync = 162,
  SYS_mount = 165,
  SYS_umount2 = 166,
  SYS_reboot = 169,
  SYS_sethostname = 170,
  SYS_getdents64 = 217,
  SYS_clock_gettime = 228,
  SYS_exit_group = 231,
  SYS_openat = 257,
  SYS_mkdirat = 258,
  SYS_fchownat = 260,
  SYS_unlinkat = 263,
  SYS_symlinkat = 266,
  SYS_fchmodat = 268,
  SYS_faccessat = 269,
  SYS_ppoll = 271,
  SYS_signalfd4 = 289,
  SYS_dup3 = 292,
  SYS_pipe2 = 293,
  SYS_prlimit64 = 302,
  SYS_finit_module = 313,
  SYS_statx = 332,
};

#define O_DIRECTORY 0200000
#define ARCH_NAME "x86_64"
#define ARCH_ELF_MACHINE 62

#elif defined(__aarch64__)

enum {
  SYS_fcntl = 25,
  SYS_dup3 = 24,
  SYS_ioctl = 29,
  SYS_mkdirat = 34,
  SYS_unlinkat = 35,
  SYS_symlinkat = 36,
  SYS_umount2 = 39,
  SYS_mount = 40,
  SYS_statfs = 43,
  SYS_faccessat = 48,
  SYS_chdir = 49,
  SYS_chroot = 51,
  SYS_fchmodat = 53,
  SYS_fchownat = 54,
  SYS_fchown = 55,
  SYS_openat = 56,
  SYS_close = 57,
  SYS_pipe2 = 59,
  SYS_getdents64 = 61,
  SYS_read = 63,
  SYS_write = 64,
  SYS_pread64 = 67,
  SYS_ppoll = 73,
  SYS_signalfd4 = 74,
  SYS_sync = 81,
  SYS_exit_group = 94,
  SYS_clock_gettime = 113,
  SYS_kill = 129,
  SYS_rt_sigprocmask = 135,
  SYS_rt_sigtimedwait = 137,
  SYS_reboot = 142,
  SYS_setresuid = 147,
  SYS_setresgid = 149,
  SYS_setsid = 157,
  SYS_setgroups = 159,
  SYS_sethostname = 161,
  SYS_umask = 166,
  SYS_getpid = 172,
  SYS_socket = 198,
  SYS_clone = 220,
  SYS_execve = 221,
  SYS_mmap = 222,
  SYS_wait4 = 260,
  SYS_prlimit64 = 261,
  SYS_finit_module = 273,
  SYS_statx = 291,
};

#define O_DIRECTORY 040000
#define ARCH_NAME "aarch64"
#define ARCH_ELF_MACHINE 183

#else
#error "init is written for x86_64 and aarch64"
#endif

#endif
