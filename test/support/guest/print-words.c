/* A process 1 of the tests without any C library: prints its arguments and variables, ends with 3. */
#ifdef __aarch64__
enum { WRITE = 64, EXIT = 93 };
__asm__(".globl _start\n_start: mov x0, sp\n bl start\n");

static long call(long number, long a, long b, long c)
{
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
}
#else
enum { WRITE = 1, EXIT = 60 };
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call start\n");

static long call(long number, long a, long b, long c)
{
	long result;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return result;
}
#endif

static void print(char **words)
{
	for (; *words != 0; words++) {
		long length = 0;
		while ((*words)[length] != 0)
			length++;
		call(WRITE, 1, (long)*words, length);
		call(WRITE, 1, (long)"\n", 1);
	}
}

/* The stack as the kernel leaves it: argc, argv, 0, the environment, 0. */
void start(long *stack)
{
	char **arguments = (char **)(stack + 1);
	print(arguments + 1);
	print(arguments + stack[0] + 1);
	call(EXIT, 3, 0, 0);
}
