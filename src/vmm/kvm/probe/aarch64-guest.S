/*
 * What the probe runs in its machine: from a kernel's entry, without MMU, to a kernel with pages
 * and a program under it. The tables are made from outside: what is written here before caches
 * are on might not be what is read after.
 */
#if defined(__aarch64__)

#include "aarch64-guest.h"

#define WORK 5000000 /* rounds of three instructions: a few ms */

#define DATA_ABORT 0x25 /* exception classes, from this level and from below */
#define SYSTEM_CALL 0x15

  .macro report station
  mov w0, #\station
  strb w0, [x20]
  .endm

  .section .rodata
  .globl guest_code, guest_code_end
  .balign 2048
guest_code:
  mov x20, #REPORT_ADDRESS
  report STATION_KERNEL

  adr x0, vectors
  msr vbar_el1, x0
  mov x0, #0xff00 /* MAIR: 0 device, 1 normal memory, write-back */
  msr mair_el1, x0
  ldr x0, =0x100803519 /* TCR: 39 bits by TTBR0 alone, 4 KiB, cached walks, 36 bits of memory */
  msr tcr_el1, x0
  ldr x0, =LEVEL1
  msr ttbr0_el1, x0
  isb
  mrs x0, sctlr_el1
  mov x1, #0x1005 /* I, C, M */
  orr x0, x0, x1
  msr sctlr_el1, x0
  isb

/* Memory: every page holds what was written to it. */
  ldr x1, =TOUCHED
  ldr x2, =ABSENT
1:
  str x1, [x1]
  add x1, x1, #0x1000
  cmp x1, x2
  b.lo 1b
  ldr x1, =TOUCHED
1:
  ldr x3, [x1]
  cmp x3, x1
  b.ne failed
  add x1, x1, #0x1000
  cmp x1, x2
  b.lo 1b
  report STATION_MEMORY

/* Page faults: an absent page is mapped by the handler, and the write goes on. */
  str x1, [x2]
  ldr x3, [x2]
  cmp x3, x1
  b.ne failed
  report STATION_FAULT

/* A program: to level 0 and back by a system call. */
  adr x0, program
  msr elr_el1, x0
  mov x0, #0x3c0 /* SPSR: level 0, interrupts masked */
  msr spsr_el1, x0
  eret
program:
  svc #0

failed:
  report STATION_FAILED
  b failed

/* Speed: instructions that a processor runs by itself, and an emulator one by one for minutes. */
work:
  ldr x1, =WORK
  mov x2, #0
1:
  add x2, x2, x1
  subs x1, x1, #1
  b.ne 1b
  ldr x1, =(WORK / 2 * (WORK + 1))
  cmp x1, x2
  b.ne failed
  report STATION_WORK
1:
  wfi
  b 1b
  .ltorg

/* The entries not named here are no instructions, and fail in turn. */
  .balign 2048
vectors:
  .org vectors + 0x200 /* from this level, with its own stack */
  mrs x10, esr_el1
  lsr x10, x10, #26
  cmp x10, #DATA_ABORT
  b.ne failed
  ldr x10, =ABSENT_ENTRY
  ldr x11, =(ABSENT + PAGE)
  str x11, [x10]
  dsb ishst
  isb
  eret
  .ltorg

  .org vectors + 0x400 /* from a 64-bit program */
  mrs x10, esr_el1
  lsr x10, x10, #26
  cmp x10, #SYSTEM_CALL
  b.ne failed
  report STATION_PROGRAM
  b work
guest_code_end:

#endif

  .section .note.GNU-stack, "", %progbits
