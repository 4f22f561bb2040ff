/*
 * System calls and the kernel's structures, by hand: no C library, no kernel headers, so that
 * a bare compiler builds init. A negative result is -errno. Values: include/uapi/ of Linux.
 */
#ifndef WICK_SYS_H
#define WICK_SYS_H

#include <stddef.h>
#include <stdint.h>

#include "arch.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

long sys(long number, long a, long b, long c, long d, long e, long f);

#define SYSCALL0(n) sys(n, 0, 0, 0, 0, 0, 0)
#define SYSCALL1(n, a) sys(n, (long)(a), 0, 0, 0, 0, 0)
#define SYSCALL2(n, a, b) sys(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define SYSCALL3(n, a, b, c) sys(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYSCALL4(n, a, b, c, d) sys(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define SYSCALL5(n, a, b, c, d, e) sys(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

enum {
  EPERM = 1,
  ENOENT = 2,
  EINTR = 4,
  EIO = 5,
  E2BIG = 7,
  ENOEXEC = 8,
  ECHILD = 10,
  EAGAIN = 11,
  ENOMEM = 12,
  EACCES = 13,
  EBUSY = 16,
  EEXIST = 17,
  ENODEV = 19,
  ENOTDIR = 20,
  EISDIR = 21,
  EINVAL = 22,
  ENOSPC = 28,
  EROFS = 30,
  EPIPE = 32,
  ENAMETOOLONG = 36,
  ENOSYS = 38,
  ELOOP = 40,
  ELIBBAD = 80,
  ECONNRESET = 104,
  ENOBUFS = 105,
  ESHUTDOWN = 108,
  ETIMEDOUT = 110,
  EINPROGRESS = 115,
};

enum {
  O_RDONLY = 0,
  O_WRONLY = 1,
  O_RDWR = 2,
  O_CREAT = 0100,
  O_EXCL = 0200,
  O_NOCTTY = 0400,
  O_TRUNC = 01000,
  O_NONBLOCK = 04000,
  O_CLOEXEC = 02000000,
  AT_FDCWD = -100,
  AT_SYMLINK_NOFOLLOW = 0x100,
  AT_EMPTY_PATH = 0x1000,
  F_SETFD = 2,
  F_GETFD = 1,
  F_SETFL = 4,
  F_DUPFD_CLOEXEC = 1030,
  FD_CLOEXEC = 1,
};

enum {
  MS_RDONLY = 1,
  MS_NOSUID = 2,
  MS_NODEV = 4,
  MS_NOEXEC = 8,
  MS_REMOUNT = 32,
  MS_NOATIME = 1024,
  MS_BIND = 4096,
  MS_MOVE = 8192,
  MNT_DETACH = 2,
};

enum {
  SIGHUP = 1,
  SIGINT = 2,
  SIGKILL = 9,
  SIGTERM = 15,
  SIGCHLD = 17,
  SIGCONT = 18,
  SIGSTOP = 19,
  SIGPWR = 30,
  SIG_SETMASK = 2,
};

enum { POLLIN = 1, POLLOUT = 4, POLLERR = 8, POLLHUP = 16 };

struct pollfd {
  int fd;
  short events;
  short revents;
};

struct timespec {
  int64_t seconds;
  int64_t nanoseconds;
};

struct statx_time {
  int64_t seconds;
  u32 nanoseconds;
  u32 pad;
};

struct statx {
  u32 mask, block_size;
  u64 attributes;
  u32 links, uid, gid;
  u16 mode, pad0;
  u64 inode, size, blocks, attributes_mask;
  struct statx_time times[4];
  u32 rdev_major, rdev_minor, dev_major, dev_minor;
  u64 spare[14];
};

enum { S_IFMT = 0170000, S_IFDIR = 0040000, S_IFREG = 0100000, S_IFSOCK = 0140000 };

struct statfs {
  long type, block_size;
  u64 blocks, free, available, files, files_free;
  int id[2];
  long name_length, fragment_size, flags;
  long spare[4];
};

enum { RAMFS_MAGIC = 0x858458f6, TMPFS_MAGIC = 0x01021994, ST_RDONLY = 1 };

struct dirent64 {
  u64 inode;
  int64_t offset;
  u16 length;
  u8 type;
  char name[];
};

struct rlimit64 {
  u64 soft, hard;
};

static inline long sys_open(const char *path, int flags, int mode) {
  return SYSCALL4(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode);
}
static inline long sys_openat(int dir, const char *path, int flags) {
  return SYSCALL4(SYS_openat, dir, path, flags | O_CLOEXEC, 0);
}
static inline long sys_close(int fd) { return SYSCALL1(SYS_close, fd); }
static inline long sys_read(int fd, void *to, size_t n) { return SYSCALL3(SYS_read, fd, to, n); }
static inline long sys_pread(int fd, void *to, size_t n, u64 at) {
  return SYSCALL4(SYS_pread64, fd, to, n, at);
}
static inline long sys_write(int fd, const void *from, size_t n) {
  return SYSCALL3(SYS_write, fd, from, n);
}
static inline long sys_fcntl(int fd, int what, long value) {
  return SYSCALL3(SYS_fcntl, fd, what, value);
}
static inline long sys_ioctl(int fd, unsigned long what, void *value) {
  return SYSCALL3(SYS_ioctl, fd, what, value);
}
static inline long sys_mkdir(const char *path, int mode) {
  return SYSCALL3(SYS_mkdirat, AT_FDCWD, path, mode);
}
static inline long sys_unlink(const char *path) {
  return SYSCALL3(SYS_unlinkat, AT_FDCWD, path, 0);
}
static inline long sys_symlink(const char *target, const char *path) {
  return SYSCALL3(SYS_symlinkat, target, AT_FDCWD, path);
}
static inline long sys_chmod(const char *path, int mode) {
  return SYSCALL3(SYS_fchmodat, AT_FDCWD, path, mode);
}
static inline long sys_chown(const char *path, u32 uid, u32 gid) {
  return SYSCALL5(SYS_fchownat, AT_FDCWD, path, uid, gid, 0);
}
static inline long sys_fchown(int fd, u32 uid, u32 gid) {
  return SYSCALL3(SYS_fchown, fd, uid, gid);
}
static inline long sys_statx(int dir, const char *path, int flags, struct statx *st) {
  return SYSCALL5(SYS_statx, dir, path, flags, 0x7ff, st);
}
static inline long sys_statfs(const char *path, struct statfs *st) {
  return SYSCALL2(SYS_statfs, path, st);
}
static inline long sys_mount(const char *source, const char *target, const char *type,
                             unsigned long flags, const char *data) {
  return SYSCALL5(SYS_mount, source, target, type, flags, data);
}
static inline long sys_umount(const char *target, int flags) {
  return SYSCALL2(SYS_umount2, target, flags);
}
static inline long sys_chdir(const char *path) { return SYSCALL1(SYS_chdir, path); }
static inline long sys_poll(struct pollfd *fds, unsigned n, const struct timespec *timeout) {
  return SYSCALL5(SYS_ppoll, fds, n, timeout, 0, 8);
}
static inline long sys_kill(int pid, int signal) { return SYSCALL2(SYS_kill, pid, signal); }
static inline long sys_wait(int pid, int *status, int flags) {
  return SYSCALL4(SYS_wait4, pid, status, flags, 0);
}
static inline long sys_execve(const char *path, char *const *argv, char *const *envp) {
  return SYSCALL3(SYS_execve, path, argv, envp);
}
static inline long sys_signal_mask(const u64 *set) {
  return SYSCALL4(SYS_rt_sigprocmask, SIG_SETMASK, set, 0, 8);
}
_Noreturn static inline void sys_exit(int status) {
  for (;;) SYSCALL1(SYS_exit_group, status);
}

#endif
