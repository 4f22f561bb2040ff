/*
 * Boot stub of a packed bzImage. It lies in the file behind the kernel's own code, the
 * initramfs behind it, and loaders put all of that into memory in one piece, wherever they
 * like. The place just behind it is where the kernel unpacks itself, so the stub first moves
 * the initramfs out of the way:
 *
 *   start of code … | stub | initramfs |            as loaded
 *   start of code … |     kernel's init_size     | line (4 KiB) | initramfs |
 *
 * and puts back what packing changed: the instructions at the kernel's 64-bit entry (a fixed
 * place, where now a jump leads here) and boot_params' init_size, which the file's header
 * enlarges so that loaders keep all of that memory clear and mapped.
 *
 * A flat binary linked at 0, so that symbols are offsets. src/kernel/pack/bzimage-stub.ts has
 * the same table and fills in what is zero here. %rsi, or %esi: boot_params
 * (Documentation/arch/x86/boot.rst, "32-bit Boot Protocol", "64-bit Boot Protocol").
 */
#include "x86_64-boot.h"

/* From the start of the code to the kernel's 64-bit entry. */
#define STARTUP_64	0x200
#define PAGE		0x1000

	.text
table:
	.ascii	"WICKSTUB"
	.long	entry32
	.long	entry64
distance:
	.long	0		/* from the start of the code to the stub */
kernel32:
	.long	0		/* from the start of the code to the kernel's own code32_start */
startup64:
	.quad	0		/* what was at the 64-bit entry */
address:
	.long	0		/* pref_address: the kernel runs there or above */
init_size:
	.long	0
alignment:
	.long	0		/* kernel_alignment less 1 where it is relocatable */
relocatable:
	.long	0		/* 0: it runs at pref_address wherever it was loaded */
initramfs:
	.long	0, 0		/* offset from the stub, bytes */
before:
	.long	0, 0		/* text before the loader's command line: offset, bytes */
after:
	.long	0, 0		/* text behind it */
room:
	.long	0		/* bytes for the joined line (0: the loader's line stays) */
	.long	0

/*
 * From w: "e" or "r"; %r8 or %esp keep boot_params meanwhile. In: bp the stub, si boot_params.
 * Out: di where the initramfs lies now.
 */
.macro PREPARE w
	/* As startup_32 and startup_64 do: where the kernel will run. */
	movl	distance(%\w\()bp), %ecx
	mov	%\w\()bp, %\w\()bx
	sub	%\w\()cx, %\w\()bx
	movl	startup64(%\w\()bp), %eax
	movl	%eax, STARTUP_64(%\w\()bx)
	movl	startup64 + 4(%\w\()bp), %eax
	movl	%eax, STARTUP_64 + 4(%\w\()bx)
	movl	init_size(%\w\()bp), %eax
	movl	%eax, BP_INIT_SIZE(%\w\()si)
	movl	address(%\w\()bp), %edi
	cmpl	$0, relocatable(%\w\()bp)
	je	1f
	movl	alignment(%\w\()bp), %ecx
	mov	%\w\()bx, %\w\()ax
	add	%\w\()cx, %\w\()ax
	not	%\w\()cx
	and	%\w\()cx, %\w\()ax
	cmp	%\w\()di, %\w\()ax
	jb	1f
	mov	%\w\()ax, %\w\()di
1:	/* Behind what it needs, and not below where the initramfs lies. */
	movl	init_size(%\w\()bp), %ecx
	add	%\w\()cx, %\w\()di
	movl	initramfs(%\w\()bp), %ecx
	lea	(%\w\()bp, %\w\()cx), %\w\()ax
	cmp	%\w\()ax, %\w\()di
	jae	1f
	mov	%\w\()ax, %\w\()di
1:	add	$(2 * PAGE - 1), %\w\()di
	and	$(-PAGE), %\w\()di	/* the line's page is the one before */
.endm

	.code32
entry32:
	cld
	leal	BP_SCRATCH_END(%esi), %esp	/* the kernel's startup_32 borrows it, too */
	call	1f
1:	popl	%ebp
	subl	$(1b - table), %ebp
	PREPARE	e
	movl	%edi, BP_RAMDISK_IMAGE(%esi)
	movl	$0, BP_EXT_RAMDISK_IMAGE(%esi)
	movl	initramfs + 4(%ebp), %ecx
	movl	%ecx, BP_RAMDISK_SIZE(%esi)
	movl	$0, BP_EXT_RAMDISK_SIZE(%esi)
	NAME_LOADER %esi
	CLEAN	%esi
	movl	%esi, %edx
	/* From the end, since the two places may overlap; in words of 4 bytes. */
	addl	$3, %ecx
	andl	$-4, %ecx
	movl	initramfs(%ebp), %esi
	leal	-4(%ebp, %esi), %esi
	addl	%ecx, %esi
	movl	%edi, %eax
	leal	-4(%edi, %ecx), %edi
	shrl	$2, %ecx
	std
	rep movsl
	cld
	leal	-PAGE(%eax), %edi
	movl	%edx, %esi
	movl	room(%ebp), %edx
	testl	%edx, %edx
	jz	1f
	movl	BP_CMD_LINE_PTR(%esi), %eax
	movl	%edi, BP_CMD_LINE_PTR(%esi)
	movl	$0, BP_EXT_CMD_LINE_PTR(%esi)
	pushl	%esi
	JOIN	e
	popl	%esi
1:	movl	kernel32(%ebp), %eax
	addl	%ebx, %eax
	xorl	%ebp, %ebp	/* the protocol has %ebp, %edi and %ebx zero */
	xorl	%edi, %edi
	xorl	%ebx, %ebx
	jmp	*%eax

	.code64
entry64:
	cld
	leaq	table(%rip), %rbp
	PREPARE	r
	movl	%edi, BP_RAMDISK_IMAGE(%rsi)
	movq	%rdi, %rax
	shrq	$32, %rax
	movl	%eax, BP_EXT_RAMDISK_IMAGE(%rsi)
	movl	initramfs + 4(%rbp), %ecx
	movl	%ecx, BP_RAMDISK_SIZE(%rsi)
	movl	$0, BP_EXT_RAMDISK_SIZE(%rsi)
	NAME_LOADER %rsi
	CLEAN	%rsi
	movq	%rsi, %r8
	addq	$7, %rcx
	andq	$-8, %rcx
	movl	initramfs(%rbp), %esi
	leaq	-8(%rbp, %rsi), %rsi
	addq	%rcx, %rsi
	movq	%rdi, %rax
	leaq	-8(%rdi, %rcx), %rdi
	shrq	$3, %rcx
	std
	rep movsq
	cld
	leaq	-PAGE(%rax), %rdi
	movl	room(%rbp), %edx
	testl	%edx, %edx
	jz	1f
	movl	BP_EXT_CMD_LINE_PTR(%r8), %eax
	shlq	$32, %rax
	movl	BP_CMD_LINE_PTR(%r8), %ecx
	orq	%rcx, %rax
	movl	%edi, BP_CMD_LINE_PTR(%r8)
	movq	%rdi, %rcx
	shrq	$32, %rcx
	movl	%ecx, BP_EXT_CMD_LINE_PTR(%r8)
	JOIN	r
1:	movq	%r8, %rsi
	leaq	STARTUP_64(%rbx), %rax
	jmp	*%rax

	.section .note.GNU-stack, "", @progbits
