/*
 * Where loaders of the 64-bit Linux boot protocol enter a packed ELF kernel
 * (Documentation/arch/x86/boot.rst, "64-bit Boot Protocol"): long mode, memory mapped where it
 * is, %rsi = boot_params. It does what x86_64-pvh.S does, with the same table.
 */
	.text
	.globl _start
_start:
table:
	.ascii	"WICKSTUB"
	.long	entry
stack:	.long	0			/* its end */
kernel:	.quad	0			/* the kernel's entry, a physical address */
	.quad	0, 0, 0, 0		/* the initramfs: address, bytes; not used here */
	.long	0, 0			/* text before the loader's command line: offset, bytes */
	.long	0, 0			/* text behind it */
	.long	0, 0			/* where the joined line goes, bytes of room */

entry:
	cld
	leaq	table(%rip), %rbp
	movl	stack(%rbp), %esp
	movq	%rsi, %rbx
	movq	%rsi, %rdi
	movq	%rbp, %rsi
	call	hand_over
	movq	%rbx, %rsi
	movq	kernel(%rbp), %rax
	jmp	*%rax

	.section .note.GNU-stack, "", @progbits
