/*
 * Boot stub of a packed ELF kernel for x86_64. It lies in memory behind the kernel, is
 * entered in its place, hands initramfs and built-in command line over in the way of the
 * protocol that the loader used, and goes on to the kernel.
 *
 * A flat binary linked at 0, so that symbols are offsets. src/kernel/pack/elf-stub.ts has the
 * same table and fills in what is zero here. Registers that the protocols define are kept:
 * %ebx (PVH: hvm_start_info), %rsi (64-bit boot protocol: boot_params).
 */
#include "x86_64-boot.h"

	.text
table:
	.ascii	"WICKSTUB"
	.long	entry32
	.long	entry64
	.long	base + 1	/* where entry32 holds the stub's own address */
kernel32:
	.long	0		/* the kernel's PVH entry */
kernel64:
	.quad	0		/* the kernel's 64-bit entry */
module:				/* struct hvm_modlist_entry */
	.quad	0		/* paddr: the initramfs */
	.quad	0		/* size */
	.quad	0		/* cmdline_paddr */
	.quad	0		/* reserved */
before:
	.long	0, 0		/* text before the VMM's command line: offset, bytes */
after:
	.long	0, 0		/* text behind it */
line:
	.long	0, 0		/* where the joined line goes: offset, room (0: the VMM's line stays) */

	.code32
entry32:
	cld
base:	movl	$0, %ebp	/* 32-bit code cannot ask where it is: PVH gives no stack */
	movl	$1, START_INFO_NR_MODULES(%ebx)
	leal	module(%ebp), %eax
	movl	%eax, START_INFO_MODLIST(%ebx)
	movl	$0, START_INFO_MODLIST + 4(%ebx)
	movl	line + 4(%ebp), %edx
	testl	%edx, %edx
	jz	1f
	movl	START_INFO_CMDLINE(%ebx), %eax
	movl	line(%ebp), %edi
	addl	%ebp, %edi
	movl	%edi, START_INFO_CMDLINE(%ebx)
	movl	$0, START_INFO_CMDLINE + 4(%ebx)
	JOIN	e
1:	movl	kernel32(%ebp), %eax
	jmp	*%eax

	.code64
entry64:
	cld
	leaq	table(%rip), %rbp
	movl	module(%rbp), %eax
	movl	%eax, BP_RAMDISK_IMAGE(%rsi)
	movl	$0, BP_EXT_RAMDISK_IMAGE(%rsi)
	movl	module + 8(%rbp), %eax
	movl	%eax, BP_RAMDISK_SIZE(%rsi)
	movl	$0, BP_EXT_RAMDISK_SIZE(%rsi)
	NAME_LOADER %rsi
	CLEAN	%rsi
	movl	line + 4(%rbp), %edx
	testl	%edx, %edx
	jz	1f
	movl	BP_EXT_CMD_LINE_PTR(%rsi), %eax
	shlq	$32, %rax
	movl	BP_CMD_LINE_PTR(%rsi), %ecx
	orq	%rcx, %rax
	movl	line(%rbp), %edi
	addl	%ebp, %edi	/* packed files lie below 2 GiB */
	movl	%edi, BP_CMD_LINE_PTR(%rsi)
	movl	$0, BP_EXT_CMD_LINE_PTR(%rsi)
	movq	%rsi, %r8
	JOIN	r
	movq	%r8, %rsi
1:	movq	kernel64(%rbp), %rax
	jmp	*%rax

	.section .note.GNU-stack, "", @progbits
