#include "init.h"
#include "sockets.h"

enum { HOST_CID = 2, CONNECT_MS = 2500 }; /* the kernel itself gives up after 2 s */

struct search {
  const char *name;
  long fd;
};

static int opens_port(const char *device, void *context) {
  struct search *search = context;
  char path[300], text[64], wanted[64];
  join(path, sizeof path, "/sys/class/virtio-ports/", device, "/name", NULL);
  join(wanted, sizeof wanted, search->name, "\n", NULL);
  if (read_file(path, text, sizeof text) <= 0 || !text_equal(text, wanted)) return 0;
  join(path, sizeof path, "/dev/", device, NULL);
  search->fd = sys_open(path, O_RDWR | O_NONBLOCK, 0);
  return search->fd >= 0;
}

/* Whether a virtio device has the number that `context` names, and a driver. */
static int is_device(const char *name, void *context) {
  char path[300], text[32];
  join(path, sizeof path, "/sys/bus/virtio/devices/", name, "/device", NULL);
  if (read_file(path, text, sizeof text) <= 0 || !text_equal(text, context)) return 0;
  join(path, sizeof path, "/sys/bus/virtio/devices/", name, "/driver", NULL);
  return exists(path);
}

static int has_serial_device(void) {
  return exists("/sys/class/virtio-ports") &&
         each_name("/sys/bus/virtio/devices", is_device, "0x0003\n");
}

static long connect_vsock(u32 port) {
  struct vsock_address address = {AF_VSOCK, 0, port, HOST_CID, 0, {0}};
  struct timespec patience = {CONNECT_MS / 1000, CONNECT_MS % 1000 * 1000000};
  long fd = sys_socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK);
  if (fd < 0) return fd;
  long result = sys_connect((int)fd, &address, sizeof address);
  if (result == -EINPROGRESS) {
    struct pollfd p = {(int)fd, POLLOUT, 0};
    result = sys_poll(&p, 1, &patience) == 1 ? socket_error((int)fd) : -ETIMEDOUT;
  }
  if (result == 0) return fd;
  sys_close((int)fd);
  return result;
}

/*
 * A byte stream to the host: the virtio-serial port of that name, or where no such device is,
 * the host's vsock port. -ENODEV: neither is there, though one may come yet. Without a device
 * for it vsock is not even asked for: the kernel would look for its module in the image.
 */
long stream_open(const char *name, u32 vsock_port) {
  struct search search = {name, -ENODEV};
  if (each_name("/sys/class/virtio-ports", opens_port, &search)) return search.fd;
  if (has_serial_device()) return -ENODEV;
  if (!each_name("/sys/bus/virtio/devices", is_device, "0x0013\n")) return -ENODEV;
  return connect_vsock(vsock_port);
}

/* Ports appear some time after their device: waits for ours where there is such a device. */
long stream_wait(const char *name, u32 vsock_port, u32 ms) {
  long fd = stream_open(name, vsock_port);
  if (!has_serial_device()) return fd;
  for (u64 end = now_ms() + ms; fd == -ENODEV && now_ms() < end; sleep_ms(2)) {
    fd = stream_open(name, vsock_port);
  }
  return fd;
}

/* A socket says by an empty read that the host has gone, a port by POLLHUP. */
int stream_is_socket(int fd) {
  struct statx st;
  return sys_statx(fd, "", AT_EMPTY_PATH, &st) == 0 && (st.mode & S_IFMT) == S_IFSOCK;
}
