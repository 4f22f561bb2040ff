/*
 * Where VMMs enter a packed ELF kernel by PVH (https://xenbits.xen.org/docs/unstable/misc/pvh.html,
 * Documentation/arch/x86/, arch/x86/platform/pvh/head.S): 32-bit protected mode, no paging, no
 * stack, %ebx = hvm_start_info. It lies in memory behind the kernel, hands initramfs and command
 * line over in the same way, and goes on to the kernel's own entry.
 *
 * A flat binary linked at 0, so symbols are offsets. The table is that of x86_64-elf.h;
 * src/kernel/pack/elf-stub.ts fills in all that is zero here.
 */
	.text
	.globl _start
_start:
table:
	.ascii	"WICKSTUB"
	.long	entry
stack:	.long	0			/* its end */
kernel:	.quad	0			/* the kernel's entry, a physical address */
	.quad	0, 0, 0, 0		/* struct hvm_modlist_entry: the initramfs */
	.long	0, 0			/* text before the VMM's command line: offset, bytes */
	.long	0, 0			/* text behind it */
	.long	0, 0			/* where the joined line goes, bytes of room */

entry:
	cld
	/* A stack for one call, which says where this lies: modlist_paddr is replaced anyway. */
	leal	24(%ebx), %esp
	call	1f
1:	popl	%ebp
	subl	$1b, %ebp
	movl	stack(%ebp), %esp
	pushl	%ebp
	pushl	%ebx
	call	hand_over
	movl	kernel(%ebp), %eax
	jmp	*%eax			/* with %ebx as it was: calls keep it */

	.section .note.GNU-stack, "", @progbits
