/*
 * A server for the tests of the relay, static, one process with poll(2) for any number of
 * connections. The port says what it does:
 *
 * 7    sends back what it gets; on the client's end it ends too
 * 80   answers each line-terminated request (HTTP/1.1, keep-alive) with its own count of requests
 * 9    reads nothing at all
 * 19   sends as many counting bytes as the argument says, then ends
 * 20   reads all, then answers with the number of bytes and their FNV-1a sum, then ends
 * 21   says "bye" and ends its direction first, then reads the client's
 * 22   resets the connection as soon as it gets a byte
 * 23   sends "last words", then the program exits with status 3
 * 24   waits for a reset of the client's and counts it
 * 25   tells that count, and how many bytes came to port 21 after its end, then ends
 * 26   kills the relay's process so many ms after it was told how many, in a line
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX = 8192, BUFFER = 1 << 16 };

static const uint16_t ports[] = { 7, 80, 9, 19, 20, 21, 22, 23, 24, 25, 26 };
enum { PORTS = sizeof ports / sizeof *ports };

struct connection {
    uint16_t port;
    int ended;       /* the client has */
    uint64_t count;  /* bytes got or sent */
    uint32_t sum;    /* FNV-1a of them; at port 80 how much of an empty line was read */
    uint32_t waiting, at;
    char *buffer;
};

static struct pollfd fds[MAX];
static struct connection connections[MAX];
static int used;
static uint64_t total;
static unsigned long requests, resets, late;

static void drop(int i, int with_reset)
{
    struct linger linger = { 1, 0 };
    if (with_reset) setsockopt(fds[i].fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fds[i].fd);
    free(connections[i].buffer);
    used--;
    fds[i] = fds[used];
    connections[i] = connections[used];
}

static void put(struct connection *c, const char *text)
{
    size_t length = strlen(text);
    memcpy(c->buffer + c->at + c->waiting, text, length);
    c->waiting += length;
}

static void fill(struct connection *c)
{
    if (c->port != 19 || c->waiting > 0) return;
    uint64_t left = total - c->count;
    uint32_t piece = left < BUFFER ? left : BUFFER;
    c->at = 0;
    for (uint32_t i = 0; i < piece; i++) c->buffer[i] = (c->count + i) % 251;
    c->count += piece;
    c->waiting = piece;
}

/* False: the connection is gone. */
static int flush(int i)
{
    struct connection *c = &connections[i];
    for (fill(c); c->waiting > 0; fill(c)) {
        ssize_t n = send(fds[i].fd, c->buffer + c->at, c->waiting, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) break;
        if (n < 0) return drop(i, 0), 0;
        c->at += n;
        c->waiting -= n;
    }
    if (c->waiting == 0) c->at = 0;
    if (c->port == 23 && c->waiting == 0) exit(3);
    int done = c->waiting == 0 && (c->ended || c->port == 19 || c->port == 25);
    if (done) return drop(i, 0), 0;
    return 1;
}

static void begin(int fd, uint16_t port)
{
    if (used == MAX) { close(fd); return; }
    int i = used++;
    fds[i] = (struct pollfd){ fd, 0, 0 };
    connections[i] = (struct connection){ .port = port, .sum = port == 20 ? 0x811c9dc5u : 0 };
    struct connection *c = &connections[i];
    c->buffer = malloc(port == 9 ? 16 : 2 * BUFFER);
    if (port == 21) put(c, "bye"), flush(i), shutdown(fd, SHUT_WR);
    if (port == 23) put(c, "last words");
    if (port == 25) c->waiting = sprintf(c->buffer, "%lu %lu", resets, late);
    flush(i);
}

static void kill_relay(int after_ms)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    if (fork() != 0) { closedir(processes); return; }
    usleep(after_ms * 1000);
    while ((entry = readdir(processes))) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (!file) continue;
        if (fgets(name, sizeof name, file) && !strcmp(name, "wick-relay\n"))
            kill(atoi(entry->d_name), SIGKILL);
        fclose(file);
    }
    _exit(0);
}

static void got(int i, const char *bytes, ssize_t n)
{
    struct connection *c = &connections[i];
    char text[256];
    c->count += n;
    switch (c->port) {
    case 7:
        memmove(c->buffer, c->buffer + c->at, c->waiting);
        memcpy(c->buffer + c->waiting, bytes, n);
        c->at = 0;
        c->waiting += n;
        break;
    case 21:
        late += n;
        break;
    case 20:
        for (ssize_t at = 0; at < n; at++) c->sum = (c->sum ^ (uint8_t)bytes[at]) * 0x01000193u;
        break;
    case 26:
        if (bytes[n - 1] == '\n') kill_relay(atoi(bytes));
        break;
    case 80:
        for (ssize_t at = 0; at < n; at++) {
            c->sum = bytes[at] == "\r\n\r\n"[c->sum & 3] ? (c->sum & 3) + 1 : bytes[at] == '\r';
            if (c->sum < 4) continue;
            char body[32];
            c->sum = 0;
            int length = sprintf(body, "%lu", ++requests);
            sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
            put(c, text);
        }
        break;
    }
}

static void take(int i)
{
    static char bytes[BUFFER];
    struct connection *c = &connections[i];
    ssize_t n = recv(fds[i].fd, bytes, c->port == 7 ? BUFFER - c->waiting : BUFFER, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n < 0) {
        if (errno == ECONNRESET && c->port == 24) resets++;
        return drop(i, 0);
    }
    if (n > 0 && c->port == 22) return drop(i, 1);
    if (n == 0) {
        char text[64];
        c->ended = 1;
        sprintf(text, "%llu %x", (unsigned long long)c->count, c->sum);
        if (c->port == 20) put(c, text);
        if (c->port == 24) return drop(i, 0);
    }
    if (n > 0) got(i, bytes, n);
    flush(i);
}

static short wanted(const struct connection *c)
{
    short events = c->waiting > 0 || c->port == 19 ? POLLOUT : 0;
    if (c->port == 9 || c->ended || (c->port == 7 && c->waiting >= BUFFER / 2)) return events;
    return events | POLLIN;
}

static int listening(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) exit(9);
    return fd;
}

int main(int argc, char **argv)
{
    total = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    struct pollfd listeners[PORTS];
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < PORTS; i++) listeners[i] = (struct pollfd){ listening(ports[i]), POLLIN, 0 };
    static struct pollfd all[MAX + PORTS];
    for (;;) {
        memcpy(all, listeners, sizeof listeners);
        for (int i = 0; i < used; i++) fds[i].events = wanted(&connections[i]);
        memcpy(all + PORTS, fds, used * sizeof *fds);
        if (poll(all, PORTS + used, -1) < 0) continue;
        for (int i = used - 1; i >= 0; i--) {
            short happened = all[PORTS + i].revents;
            if (happened & (POLLIN | POLLERR | POLLHUP) && connections[i].port != 9) take(i);
            else if (happened & POLLOUT) flush(i);
            else if (happened & (POLLERR | POLLHUP)) drop(i, 0);
        }
        for (int i = 0; i < PORTS; i++) {
            if (!(all[i].revents & POLLIN)) continue;
            int fd = accept4(listeners[i].fd, NULL, NULL, SOCK_NONBLOCK);
            if (fd >= 0) begin(fd, ports[i]);
        }
    }
}
