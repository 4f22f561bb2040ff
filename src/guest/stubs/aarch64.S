/*
 * Boot stub of a packed Image for aarch64. It lies in memory behind the kernel and is entered
 * in the kernel's place, as Documentation/arch/arm64/booting.rst has it: MMU and data cache
 * off, interrupts masked, x0 = the device tree's address, x1 to x3 = 0. It gives the kernel a
 * copy of the tree that names the initramfs, or where that cannot be, the tree as it is.
 *
 * A flat binary linked at 0, so symbols are offsets; it may lie on any page. The table is
 * src/kernel/pack/arm64-stub.ts's `arm64Stub`, which fills in all that is zero here.
 */
	.text
	.globl	_start
_start:
table:
	.ascii	"WICKSTUB"
	.quad	entry
self:	.quad	0			/* from the Image's start: this table */
kernel:	.quad	0			/* the kernel's first instruction */
initrd:	.quad	0			/* the initramfs */
	.quad	0			/* its bytes */
scratch: .quad	0			/* memory of ours: a stack, then the copy of the tree */
	.quad	0			/* bytes of the stack */
	.quad	0			/* bytes for the tree */
before:	.long	0, 0			/* text before the loader's command line: offset from here, bytes */
after:	.long	0, 0			/* text behind it */

entry:
	mov	x19, x0			/* the device tree as it was given */
	adr	x20, table
	ldr	x9, self
	sub	x21, x20, x9		/* the Image */
	ldr	x9, kernel
	add	x22, x21, x9		/* where to go on */
	adr	x9, scratch
	ldp	x10, x11, [x9]
	ldr	x24, [x9, #16]		/* room for the tree */
	add	x25, x21, x10
	add	x23, x25, x11		/* the tree's copy */

	/* Nothing that the cache still holds may be written over what is written here. */
	mov	x0, x25
	add	x1, x11, x24
	bl	flush_cache
	mov	sp, x23			/* the stack grows down from the copy */

	/* struct additions */
	adr	x9, initrd
	ldp	x10, x11, [x9]
	add	x10, x21, x10
	add	x11, x10, x11
	sub	sp, sp, #48
	stp	x10, x11, [sp]
	adr	x9, before
	ldp	w10, w11, [x9]
	ldp	w12, w13, [x9, #8]
	add	x10, x20, x10
	add	x12, x20, x12
	stp	x10, x11, [sp, #16]
	stp	x12, x13, [sp, #32]

	mov	x0, x23
	mov	x1, x24
	mov	x2, x19
	mov	x3, sp
	bl	extend_device_tree
	cbz	w0, 1f
	mov	w1, w0
	mov	x0, x23
	mov	x19, x23
	bl	flush_cache
1:	mov	x0, x19
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	br	x22

	/* x0: start, x1: bytes. CTR_EL0.DminLine: log2 of the smallest line's words. */
	.globl	flush_cache
flush_cache:
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x2, x3, x2
	add	x1, x0, x1
	sub	x3, x2, #1
	bic	x0, x0, x3
2:	cmp	x0, x1
	b.hs	3f
	dc	civac, x0
	add	x0, x0, x2
	b	2b
3:	dsb	sy
	ret

	/* Compilers call these by themselves, to clear and copy structures. */
	.globl	memset
memset:	cbz	x2, 5f
	mov	x3, x0
4:	strb	w1, [x3], #1
	subs	x2, x2, #1
	b.ne	4b
5:	ret

	.globl	memcpy
memcpy:	cbz	x2, 7f
	mov	x3, x0
6:	ldrb	w4, [x1], #1
	strb	w4, [x3], #1
	subs	x2, x2, #1
	b.ne	6b
7:	ret

	.section .note.GNU-stack, "", @progbits
