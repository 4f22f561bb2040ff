/*
 * A loader of the tests': QEMU starts it by PVH, with a packed kernel as its initrd, and it
 * starts that by the 64-bit Linux boot protocol, as Firecracker and Cloud Hypervisor do:
 * memory up to 1 GiB mapped where it is, boot_params at 0x7000, page tables from 0x9000 on.
 */
#define PML4	0x9000
#define PDPT	0xa000
#define PD	0xb000

	.section .note.Xen, "a", @note
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	_start

	.text
	.code32
	.globl _start
_start:
	cld
	movl	%ebx, %ebp		/* hvm_start_info */
	movl	$PML4, %edi
	movl	$(3 * 0x1000 / 4), %ecx
	xorl	%eax, %eax
	rep stosl
	movl	$(PDPT + 3), PML4	/* present, writable */
	movl	$(PD + 3), PDPT
	movl	$0x83, %eax		/* and of 2 MiB */
	movl	$PD, %edi
1:	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	cmpl	$(PD + 0x1000), %edi
	jb	1b
	movl	$0x20, %eax		/* CR4.PAE */
	movl	%eax, %cr4
	movl	$PML4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx	/* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80000001, %eax	/* PG, PE */
	movl	%eax, %cr0
	lgdt	descriptor
	ljmp	$0x10, $2f

	.code64
2:	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$stack, %esp
	movl	%ebp, %edi
	call	load
	movl	$0x7000, %esi
	movq	$0x1badb002, %rbp	/* nothing that a stub could rely on */
	xorl	%esp, %esp
	std
	jmp	*%rax

	.align	8
gdt:	.quad	0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff /* __BOOT_CS, __BOOT_DS */
descriptor:
	.word	. - gdt - 1
	.quad	gdt

	.bss
	.align	16
	.skip	4096
stack:
	.section .note.GNU-stack, "", @progbits
