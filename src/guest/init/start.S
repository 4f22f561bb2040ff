/* Entry point and the one system call function. */
#if defined(__x86_64__)

  .text
  .globl _start
_start:
  xor %ebp, %ebp
  mov %rsp, %rdi
  and $-16, %rsp
  call start_c
  ud2

/* long sys(long number, long a, long b, long c, long d, long e, long f) */
  .globl sys
sys:
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov %rcx, %rdx
  mov %r8, %r10
  mov %r9, %r8
  mov 8(%rsp), %r9
  syscall
  ret

#elif defined(__aarch64__)

  .text
  .globl _start
_start:
  mov x29, #0
  mov x30, #0
  mov x0, sp
  bl start_c
  brk #1

  .globl sys
sys:
  mov x8, x0
  mov x0, x1
  mov x1, x2
  mov x2, x3
  mov x3, x4
  mov x4, x5
  mov x5, x6
  svc #0
  ret

#endif

  .section .note.GNU-stack, "", %progbits
