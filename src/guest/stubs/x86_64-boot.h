/* What both boot stubs for x86_64 share: the protocols' structures, how lines are joined. */

/* struct hvm_start_info (include/xen/interface/hvm/start_info.h) */
#define START_INFO_NR_MODULES	12
#define START_INFO_MODLIST	16
#define START_INFO_CMDLINE	24

/* struct boot_params (arch/x86/include/uapi/asm/bootparam.h) */
#define BP_EXT_RAMDISK_IMAGE	0x0c0
#define BP_EXT_RAMDISK_SIZE	0x0c4
#define BP_EXT_CMD_LINE_PTR	0x0c8
#define BP_SCRATCH_END		0x1e8
#define BP_SENTINEL		0x1ef
#define BP_TYPE_OF_LOADER	0x210
#define BP_RAMDISK_IMAGE	0x218
#define BP_RAMDISK_SIZE		0x21c
#define BP_CMD_LINE_PTR		0x228
#define BP_INIT_SIZE		0x260

/*
 * Registers are named without their first letter: w is "e" in 32-bit code and "r" in 64-bit
 * code. bp is the stub's address throughout.
 *
 * COPY: a text of the table to (di), while more than one byte of room is left in edx.
 */
.macro COPY w, text
	movl	\text + 4(%\w\()bp), %ecx
	movl	\text(%\w\()bp), %esi
	add	%\w\()bp, %\w\()si
2:	testl	%ecx, %ecx
	jz	3f
	cmpl	$1, %edx
	jle	3f
	movsb
	decl	%ecx
	decl	%edx
	jmp	2b
3:
.endm

/* JOIN: before, the text at (ax) if ax is not 0, and after to (di), edx bytes of room. */
.macro JOIN w
	movl	%edx, %edx
	COPY	\w, before
	mov	%\w\()ax, %\w\()si
	test	%\w\()ax, %\w\()ax
	jz	5f
4:	cmpl	$1, %edx
	jle	5f
	lodsb
	testb	%al, %al
	jz	5f
	stosb
	decl	%edx
	jmp	4b
5:	COPY	\w, after
	movb	$0, (%\w\()di)
.endm

/* NAME_LOADER: the kernel takes no initramfs from a loader without a type (reserve_initrd). */
.macro NAME_LOADER bp
	cmpb	$0, BP_TYPE_OF_LOADER(\bp)
	jne	6f
	movb	$0xff, BP_TYPE_OF_LOADER(\bp)
6:
.endm

/*
 * CLEAN: a loader that did not zero boot_params leaves a sentinel in them, and the kernel
 * then takes nothing from the ext_ fields; nor must the stub (arch/x86/include/asm/bootparam_utils.h).
 */
.macro CLEAN bp
	cmpb	$0, BP_SENTINEL(\bp)
	je	7f
	movl	$0, BP_EXT_CMD_LINE_PTR(\bp)
7:
.endm
