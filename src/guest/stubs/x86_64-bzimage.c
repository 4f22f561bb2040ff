/*
 * What a packed bzImage needs before its kernel starts. Loaders put the file's code into memory
 * in one piece, wherever they like. The memory behind it is where the kernel unpacks itself, so
 * the initramfs is moved behind what the boot protocol says that this takes:
 *
 *   start of code | … | stubs | initramfs                        as loaded
 *   runtime start | init_size … | line (a page) | initramfs      when the kernel starts
 *
 * The file's header has init_size enlarged over all of that, so that loaders leave the memory
 * free and, for the 64-bit entry, mapped. Built for 32-bit and for 64-bit code.
 */
#include "x86_64-boot-params.h"
#include "x86_64-bzimage.h"

typedef __UINTPTR_TYPE__ word;

enum { STARTUP_64 = 0x200, PAGE = 0x1000 };

/* struct setup_data, its header (arch/x86/include/uapi/asm/setup_data.h) */
struct setup_data {
	u64 next;
	u32 type;
	u32 len;
};

/* boot.rst, "runtime_start". */
static word runtime_start(const struct stub *stub, word code)
{
	word start = (word)stub->pref_address;
	if (stub->alignment == 0)
		return start;
	word aligned = (code + stub->alignment - 1) & -(word)stub->alignment;
	return aligned > start ? aligned : start;
}

/* What packing changed, as it was: the kernel's own code jumps to its 64-bit entry. */
static void restore(const struct stub *stub, u8 *code, u8 *params)
{
	for (u32 i = 0; i < sizeof stub->startup_32; i++) {
		code[i] = stub->startup_32[i];
		code[STARTUP_64 + i] = stub->startup_64[i];
	}
	*field(params, init_size) = stub->init_size;
}

/* From the end, in whole words: the two places may overlap. */
static void move_up(u8 *to, const u8 *from, u32 size)
{
	for (word left = (size + sizeof(word) - 1) / sizeof(word); left-- > 0;)
		((word *)to)[left] = ((const word *)from)[left];
}

/*
 * Takes out of the loader's list what lies in memory that is written over: QEMU 7.2 puts a seed
 * for random numbers right behind the file.
 */
static void drop_setup_data(u8 *params, word start, word end)
{
	u64 *link = (u64 *)(params + setup_data);
	while (*link != 0 && *link == (word)*link) {
		struct setup_data *data = (struct setup_data *)(word)*link;
		if (*link >= start && *link < end)
			*link = data->next;
		else
			link = &data->next;
	}
}

/* Moves the initramfs, tells the kernel of it; where to go on. */
word prepare(u8 *params, const struct stub *stub)
{
	word code = (word)stub - stub->distance;
	word runtime = runtime_start(stub, code);
	word from = code + stub->initramfs;
	word free = runtime + stub->init_size;
	word line = ((free > from ? free : from) + PAGE - 1) & -(word)PAGE;
	word to = line + PAGE;
	drop_setup_data(params, code < runtime ? code : runtime, to + stub->initramfs_size);
	move_up((u8 *)to, (const u8 *)from, stub->initramfs_size);
	restore(stub, (u8 *)code, params);
	give_initramfs(params, to, stub->initramfs_size);
	if (stub->room > 0) {
		struct text before = text_at(stub, stub->before), after = text_at(stub, stub->after);
		join_command_line((u8 *)line, stub->room, loaders_line(params), before, after);
		put_address(params, cmd_line_ptr, ext_cmd_line_ptr, line);
	}
	return code + stub->kernel;
}
