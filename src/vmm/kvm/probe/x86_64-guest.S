/*
 * What the probe runs in its machine: a processor's way from real mode to a 64-bit kernel and a
 * program under it, in the least code. Each station is reported by a letter at a port (probe.h).
 *
 * Guest memory, 2 MiB from 0: the code at GUEST_CODE, the stack below STACK, tables above it.
 */
#if defined(__x86_64__)

#include "x86_64-guest.h"

#define AT(label) (GUEST_CODE + label - guest_code)

#define CODE32 0x08
#define DATA 0x10
#define CODE64 0x18
#define USER_DATA 0x23 /* entry 4, asked for with privilege 3 */
#define USER_CODE 0x2b
#define TASK 0x30

#define STACK 0x8000
#define PML4 0x8000
#define PDPT 0x9000
#define DIRECTORY 0xa000      /* of the first GiB */
#define APIC_DIRECTORY 0xb000 /* of the fourth */
#define TABLE 0xc000          /* of the first 2 MiB */
#define IDT 0xd000
#define TSS 0xe000
#define FLAG 0xf000 /* set by the timer's interrupt */

#define TOUCHED 0x100000 /* where memory is tried, to ABSENT */
#define ABSENT 0x1ff000  /* a page that is mapped when it is missed */

#define WORK 5000000 /* rounds of three instructions: a few ms */

#define PRESENT_USER 7 /* present, writable, for privilege 3 too */
#define LARGE_UNCACHED 0x9b
#define APIC 0xfee00000
#define TIMER_PERIODIC 0x20000

  .macro report station
  mov $\station, %al
  out %al, $REPORT_PORT
  .endm

  .section .rodata
  .globl guest_code, guest_code_end
  .balign 8
guest_code:

/* Real mode, as a machine's firmware finds the processor. */
  .code16
  cli
  report STATION_REAL
  lgdtl AT(gdt_pointer)
  mov %cr0, %eax
  or $1, %eax
  mov %eax, %cr0
  ljmpl $CODE32, $AT(protected)

/* Protected mode, in which a kernel is entered by PVH or a boot loader. */
  .code32
protected:
  mov $DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov $STACK, %esp
  report STATION_PROTECTED

  movl $(PDPT + PRESENT_USER), PML4
  movl $(DIRECTORY + PRESENT_USER), PDPT
  movl $(APIC_DIRECTORY + PRESENT_USER), PDPT + 3 * 8
  movl $(TABLE + PRESENT_USER), DIRECTORY
  movl $(APIC + LARGE_UNCACHED), APIC_DIRECTORY + 503 * 8
  mov $TABLE, %edi
  mov $PRESENT_USER, %eax
1:
  mov %eax, (%edi)
  add $8, %edi
  add $0x1000, %eax
  cmp $ABSENT, %eax
  jb 1b

  mov $PML4, %eax
  mov %eax, %cr3
  mov %cr4, %eax
  or $0x20, %eax /* PAE */
  mov %eax, %cr4
  mov $0xc0000080, %ecx /* EFER */
  rdmsr
  or $0x100, %eax /* LME */
  wrmsr
  mov %cr0, %eax
  or $0x80000000, %eax /* PG */
  mov %eax, %cr0
  ljmp $CODE64, $AT(long_mode)

  .code64
long_mode:
  mov $DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  report STATION_LONG

/* Memory: every page holds what was written to it. */
  mov $TOUCHED, %edi
1:
  mov %rdi, (%rdi)
  add $0x1000, %edi
  cmp $ABSENT, %edi
  jb 1b
  mov $TOUCHED, %edi
1:
  cmp %rdi, (%rdi)
  jne failed
  add $0x1000, %edi
  cmp $ABSENT, %edi
  jb 1b
  report STATION_MEMORY

/* Page faults: an absent page is mapped by the handler, and the write goes on. */
  mov $AT(page_fault), %eax
  mov $(IDT + 14 * 16), %edi
  call set_gate
  mov $AT(timer), %eax
  mov $(IDT + TIMER_VECTOR * 16), %edi
  call set_gate
  mov $AT(system_call), %eax
  mov $(IDT + CALL_VECTOR * 16), %edi
  call set_gate
  movb $0xee, IDT + CALL_VECTOR * 16 + 5 /* for privilege 3 */
  lidt AT(idt_pointer)
  movl $0x77696b6b, ABSENT
  cmpl $0x77696b6b, ABSENT
  jne failed
  report STATION_FAULT

/* CPUID leaves the guest each time. */
  mov $256, %esi
1:
  xor %eax, %eax
  cpuid
  test %eax, %eax
  jz failed
  dec %esi
  jnz 1b
  report STATION_CPUID

/*
 * A timer's interrupt wakes the halted processor. It comes every 2 ms: with KVM on QEMU's emulated
 * processor one alone was at times spent before the halt, as between sti and hlt, and none ended it.
 */
  mov $APIC, %edi
  movl $0x1ff, 0xf0(%rdi)         /* spurious vector, APIC on */
  movl $0xb, 0x3e0(%rdi)          /* divide by 1 */
  movl $(TIMER_PERIODIC | TIMER_VECTOR), 0x320(%rdi)
  movl $2000000, 0x380(%rdi)      /* in ns */
1:
  cli
  cmpl $0, FLAG
  jne 2f
  sti
  hlt
  jmp 1b
2:
  movl $0, 0x380(%rdi)
  report STATION_TIMER

/* A program: privilege 3 and back by an interrupt, onto the stack that the TSS names. */
  movq $STACK, TSS + 4
  mov $TASK, %eax
  ltr %ax
  pushq $USER_DATA
  pushq $(STACK - 0x800)
  pushq $2
  pushq $USER_CODE
  pushq $AT(program)
  iretq
program:
  int $CALL_VECTOR
system_call:
  mov %cs, %eax
  cmp $CODE64, %eax
  jne failed
  report STATION_PROGRAM

/* Speed: instructions that a processor runs by itself, and an emulator one by one for minutes. */
  mov $WORK, %ecx
  xor %eax, %eax
1:
  add %rcx, %rax
  dec %ecx
  jnz 1b
  mov $(WORK / 2 * (WORK + 1)), %rcx
  cmp %rcx, %rax
  jne failed
  report STATION_WORK
1:
  hlt
  jmp 1b

failed:
  report STATION_FAILED
  jmp failed

page_fault:
  movl $(ABSENT + PRESENT_USER), TABLE + (ABSENT >> 12) * 8
  add $8, %rsp /* the error code */
  iretq

timer:
  movl $1, FLAG
  movl $0, 0xb0(%rdi) /* end of interrupt */
  iretq

/* The interrupt gate at rdi leads to eax; both lie below 64 KiB. */
set_gate:
  mov %ax, (%rdi)
  movw $CODE64, 2(%rdi)
  movw $0x8e00, 4(%rdi)
  ret

  .balign 8
gdt:
  .quad 0
  .quad 0x00cf9b000000ffff /* CODE32 */
  .quad 0x00cf93000000ffff /* DATA */
  .quad 0x00af9b000000ffff /* CODE64 */
  .quad 0x00cff3000000ffff /* USER_DATA */
  .quad 0x00affb000000ffff /* USER_CODE */
  .quad 0x0000890000000067 + (TSS << 16), 0
gdt_end:
gdt_pointer:
  .word gdt_end - gdt - 1
  .long AT(gdt)
idt_pointer:
  .word 0xfff
  .quad IDT
guest_code_end:

#endif

  .section .note.GNU-stack, "", %progbits
