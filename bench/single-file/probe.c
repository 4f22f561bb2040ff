/*
 * Ends a machine at one moment, so that QEMU can say how many instructions it took to get there
 * (x86_64, root, a kernel with iopl).
 *
 *   probe                 as first process: at its first instructions, right after "Run /init"
 *   probe PROGRAM ARG...  becomes PROGRAM; a child asks port 80 until it answers with 200
 *
 * The end is a reset by port 0xcf9, which no driver delays: with -no-reboot it stops QEMU there.
 */
#define SYS_read 0
#define SYS_write 1
#define SYS_close 3
#define SYS_nanosleep 35
#define SYS_socket 41
#define SYS_connect 42
#define SYS_fork 57
#define SYS_execve 59
#define SYS_exit 60
#define SYS_iopl 172

static long call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c)
                   : "rcx", "r11", "memory");
  return result;
}

static void reset(void) {
  call(SYS_iopl, 3, 0, 0);
  __asm__ volatile("outb %0, %1" : : "a"((unsigned char)6), "d"((unsigned short)0xcf9));
}

/* Whether 127.0.0.1:80 answers a request with 200. */
static int answers(void) {
  static const unsigned char address[16] = {2, 0, 0, 80, 127, 0, 0, 1}; /* AF_INET, big-endian */
  static const char request[] = "GET / HTTP/1.0\r\n\r\n";
  char answer[12];
  long got = 0;
  long fd = call(SYS_socket, 2, 1, 0);
  if (fd < 0) return 0;
  if (call(SYS_connect, fd, (long)address, sizeof address) == 0) {
    call(SYS_write, fd, (long)request, sizeof request - 1);
    got = call(SYS_read, fd, (long)answer, sizeof answer);
  }
  call(SYS_close, fd, 0, 0);
  return got == sizeof answer && answer[9] == '2' && answer[10] == '0' && answer[11] == '0';
}

void begin(long *stack) {
  static const long millisecond[2] = {0, 1000000};
  long count = stack[0];
  long *words = stack + 1;
  if (count == 1) reset();
  if (call(SYS_fork, 0, 0, 0) == 0) {
    while (!answers()) call(SYS_nanosleep, (long)millisecond, 0, 0);
    reset();
  }
  call(SYS_execve, words[1], (long)(words + 1), (long)(words + count + 1));
  call(SYS_exit, 127, 0, 0);
}

__asm__(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call begin\n");
