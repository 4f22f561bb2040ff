/*
 * Where loaders enter a packed bzImage in 32-bit protected mode, and its own real-mode code does
 * (Documentation/arch/x86/boot.rst, "32-bit Boot Protocol"): no paging, %esi = boot_params. The
 * kernel's entry at the start of its code is a jump to here.
 *
 * A flat binary linked at 0, so symbols are offsets; it may lie anywhere. The table is that of
 * x86_64-bzimage.h; src/kernel/pack/bzimage-stub.ts fills in all that is zero here.
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
	leal	0x1e8(%esi), %esp	/* boot_params' `scratch`, as the kernel's startup_32 has it */
	call	1f
1:	popl	%ebp
	subl	$1b, %ebp
	movl	stack(%ebp), %esp
	addl	%ebp, %esp
	movl	%esi, %ebx
	pushl	%ebp
	pushl	%esi
	call	prepare
	movl	%ebx, %esi
	xorl	%ebx, %ebx		/* the protocol has these zero */
	xorl	%ebp, %ebp
	xorl	%edi, %edi
	jmp	*%eax

	.section .note.GNU-stack, "", @progbits
