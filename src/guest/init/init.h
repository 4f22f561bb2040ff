/* What init's files offer each other, a block a file. */
#ifndef WICK_INIT_H
#define WICK_INIT_H

#include "protocol.h"
#include "records.h"
#include "sys.h"

/* copy.c: what the compiler may call by itself; memory.c: memory that is never given back. */
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *keep(const void *bytes, size_t length);

/* text.c: C strings; `join` cuts what does not fit and always ends with NUL. */
size_t text_length(const char *s);
int text_equal(const char *a, const char *b);
int text_starts(const char *s, const char *prefix);
size_t join(char *to, size_t size, ...); /* const char * …, NULL */
struct digits {
  char text[24];
};
struct digits decimal(u64 number);
u64 parse_decimal(const char *s);

/* errors.c */
const char *error_words(int error);

/* clock.c */
u64 now_ns(void);
u64 now_ms(void);
void sleep_ms(u32 ms);

/* files.c: small files in /proc, /sys and /etc. */
long read_file(const char *path, char *to, size_t size); /* NUL-terminated; length or -errno */
long write_file(const char *path, const char *text);
int exists(const char *path);
void make_directories(const char *path, int mode, u32 uid, u32 gid);
int each_name(const char *directory, int (*visit)(const char *name, void *context), void *context);

/* console.c: init's own lines and the application's bytes. */
extern int console_fd;
void console_open(void);
void console_release(void);
void say(const char *first, ...); /* const char * …, NULL: one line `wick-init: …` */
void console_drain(u32 ms);
int console_left(void); /* bytes in its own buffer that are not sent */

/* channel.c: frames in and out. */
extern int channel_fd;
extern int host_spoke, host_acked;
int host_is_there(void);
void channel_adopt(int fd, int pending_fd);
void channel_wait_open(u32 ms);
void channel_open(void);
void channel_listen(void);
void channel_send(u16 type, const void *head, size_t head_length, const void *tail,
                  size_t tail_length);
void channel_turn(void);          /* sends and receives what is possible now */
int channel_wants(short *events); /* whether to poll it, and for what */
int channel_save(void);           /* a file descriptor with the bytes not yet sent, or -1 */
void channel_final(u16 type, const void *body, size_t length);

/* streams.c: byte streams to the host; a descriptor or -errno. */
long stream_open(const char *name, u32 vsock_port);
long stream_wait(const char *name, u32 vsock_port, u32 ms);
int stream_is_socket(int fd);

/* report.c */
void report_hello(void);
void report_mark(const char *name);
void report_started(u32 pid);
void report_listening(u16 port);
void warn(const char *step, long error, const char *words);
_Noreturn void fail(const char *step, long error, const char *words);
_Noreturn void finish_exec_failed(int error, int reason, const char *path, const char *detail);
_Noreturn void finish_exited(u32 status);
_Noreturn void finish_signalled(u32 signal, int out_of_memory);

/* ending.c */
_Noreturn void end_machine(void);
void keep_drive(int fd);
void quiesce(void);

/* modules.c, run-drive.c, drives.c, root.c, stage1.c */
void load_modules(enum records_file which);
void find_run_drive(void);
long find_drive(const u8 uuid[16], char *path, size_t size);
void list_drives(char *to, size_t size);
void await_drive(const char *what, const u8 uuid[16], u64 end, char *path, size_t size);
int mount_root(const struct record *root); /* descriptor of the writable drive, or -1 */
_Noreturn void stage1(char **argv, char **envp);

/* mounts.c, mount-drive.c, network.c, names.c, application.c, exec.c, explain.c, supervise.c, stage2.c */
void mount_first(void); /* /dev, /proc, /sys */
void mount_all(void);
void mount_asked(void);
void mount_drive(const char *source, const char *target, const char *type, u32 flags,
                 const char *data);
void make_read_only(void);
void network_up(void);
struct kernel_ip { /* kernel-ip.c: what ip= on the kernel's line asks for */
  u8 address[4], gateway[4];
  u8 prefix;
  int has_gateway;
  char device[16];
};
int kernel_ip_parse(const char *line, struct kernel_ip *ip);
void write_names(void);
void set_sysctls(void);
struct application {
  char **argv, **envp;
  char *directory;
  u32 uid, gid, group_count;
  u32 *groups;
  int out, error; /* read ends of its pipes */
  int pid;
};
void application_read(struct application *application);
void application_start(struct application *application);
enum exec_step { EXEC_STEP_LIMITS, EXEC_STEP_DIRECTORY, EXEC_STEP_USER, EXEC_STEP_EXEC };
struct exec_failure { /* how far the application's process came */
  int step; /* enum exec_step */
  int error;
  char path[4096];
};
_Noreturn void exec_application(const struct application *application, int out, int error,
                                int failure_fd);
int explain(const char *path, int error, int directory_fd, char *detail, size_t size);
_Noreturn void supervise(struct application *application);
_Noreturn void stage2(void);

/* ports.c */
void ports_read(void);
int ports_left(void);
void ports_look(void);

/* output.c */
void output_start(int out, int error);
int output_open(void);
int output_waits(void); /* whether the console has still to take some of it */
unsigned output_polls(struct pollfd *fds);
void output_turn(void);

/* relay.c: a process of its own, for published ports; the rest is in relay.h. */
void relay_start(void);
int relay_pid(void);    /* 0: there is none, or no more */
int relay_link(void);   /* to be polled: it says that the process has ended; or -1 */
void relay_turn(void);
void relay_let_go(void); /* asks it to send what is left, and to end */

/* commands.c: called by the channel for each frame of the host. */
void on_command(u16 type, const u8 *body, u32 length);

#endif
