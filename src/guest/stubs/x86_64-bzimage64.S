/*
 * Where loaders enter a packed bzImage in long mode (Documentation/arch/x86/boot.rst, "64-bit
 * Boot Protocol"): memory mapped where it is, %rsi = boot_params. The kernel's entry 0x200
 * behind the start of its code is a jump to here. As x86_64-bzimage32.S, with the same table.
 */
	.text
	.globl _start
_start:
table:
	.ascii	"WICKSTUB"
	.long	entry
stack:	.long	0
	.fill	18, 4, 0

entry:
	cld
	leaq	table(%rip), %rbp
	movl	stack(%rbp), %esp
	addq	%rbp, %rsp
	movq	%rsi, %rbx
	movq	%rsi, %rdi
	movq	%rbp, %rsi
	call	prepare
	movq	%rbx, %rsi
	jmp	*%rax

	.section .note.GNU-stack, "", @progbits
