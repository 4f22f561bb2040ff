/* In the place of the KVM probe's guest: one that reports real mode, and nothing after it. */
#include "x86_64-guest.h"

  .section .rodata
  .globl guest_code, guest_code_end
  .balign 8
  .code16
guest_code:
  mov $STATION_REAL, %al
  out %al, $REPORT_PORT
1:
  jmp 1b
guest_code_end:

  .section .note.GNU-stack, "", %progbits
