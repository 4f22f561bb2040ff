/* Sockets, as include/uapi/ of Linux has them. */
#ifndef WICK_SOCKETS_H
#define WICK_SOCKETS_H

#include "sys.h"

enum {
  AF_UNIX = 1,
  AF_INET = 2,
  AF_VSOCK = 40,
  SOCK_STREAM = 1,
  SOCK_DGRAM = 2,
  SOCK_NONBLOCK = 04000,
  SOCK_CLOEXEC = 02000000,
  SHUT_WR = 1,
  IPPROTO_TCP = 6,
  TCP_NODELAY = 1,
  SOL_SOCKET = 1,
  SO_ERROR = 4,
  SO_LINGER = 13,
};

struct ipv4_address {
  u16 family, port; /* the port in network order */
  u8 ipv4[4], zero[8];
};

struct vsock_address {
  u16 family, reserved;
  u32 port, cid;
  u8 flags, zero[3];
};

struct linger {
  int on, seconds;
};

static inline long sys_socket(int family, int type) {
  return SYSCALL3(SYS_socket, family, type | SOCK_CLOEXEC, 0);
}
static inline long sys_connect(int fd, const void *address, size_t size) {
  return SYSCALL3(SYS_connect, fd, address, size);
}
static inline long sys_set_option(int fd, int level, int option, const void *value, u32 size) {
  return SYSCALL5(SYS_setsockopt, fd, level, option, value, size);
}

/* What became of a connect that was in progress: 0 or -errno. */
static inline long socket_error(int fd) {
  int error = 0;
  u32 size = sizeof error;
  long result = SYSCALL5(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return result != 0 ? result : -error;
}

#endif
