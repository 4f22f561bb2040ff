/* What linux64-loader.S does in C: puts an ELF kernel or a bzImage into place, fills boot_params. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

struct module {
	u64 paddr, size, cmdline, reserved;
};

struct memory {
	u64 addr, size;
	u32 type, reserved;
};

struct start_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist, cmdline, rsdp, memmap;
	u32 memmap_entries, reserved;
};

static u8 *const params = (u8 *)0x7000;
static u8 *const line = (u8 *)0x20000;

static void copy(u8 *to, const u8 *from, u64 length)
{
	if (to > from)
		while (length-- > 0)
			to[length] = from[length];
	else
		for (u64 i = 0; i < length; i++)
			to[i] = from[i];
}

static void clear(u8 *to, u64 length)
{
	while (length-- > 0)
		*to++ = 0;
}

#define AT(type, place) (*(const type *)(place))
#define PUT(type, offset, value) (*(type *)(params + (offset)) = (type)(value))

static u64 load_elf(const u8 *file)
{
	for (u32 i = 0; i < AT(u16, file + 56); i++) {
		const u8 *header = file + AT(u64, file + 32) + 56 * i;
		u64 size = AT(u64, header + 32), memory = AT(u64, header + 40);
		u8 *to = (u8 *)AT(u64, header + 24);
		if (AT(u32, header) != 1)
			continue;
		copy(to, file + AT(u64, header + 8), size);
		clear(to + size, memory - size);
	}
	PUT(u16, 0x1fe, 0xaa55);
	PUT(u32, 0x202, 0x53726448); /* "HdrS" */
	PUT(u16, 0x206, 0x20c);
	PUT(u32, 0x230, 0x1000000);
	return AT(u64, file + 24);
}

static u64 load_bzimage(const u8 *file, u64 size)
{
	u64 setup = (AT(u8, file + 0x1f1) + 1) * 512ul, code = 0x100000;
	copy(params + 0x1f1, file + 0x1f1, 0x202 + AT(u8, file + 0x201) - 0x1f1);
	copy((u8 *)code, file + setup, size - setup);
	return code + 0x200;
}

/* Returns where to go on. */
u64 load(const struct start_info *info)
{
	const struct module *module = (const struct module *)info->modlist;
	const u8 *file = (const u8 *)module->paddr;
	const struct memory *map = (const struct memory *)info->memmap;
	clear(params, 4096);
	u64 entry = AT(u32, file) == 0x464c457f ? load_elf(file) : load_bzimage(file, module->size);
	for (u32 i = 0; i < info->memmap_entries; i++) {
		u8 *e820 = params + 0x2d0 + 20 * i;
		copy(e820, (const u8 *)&map[i], 20);
	}
	PUT(u8, 0x1e8, info->memmap_entries);
	PUT(u64, 0x070, info->rsdp);
	if (info->cmdline != 0) {
		copy(line, (const u8 *)info->cmdline, 4096);
		PUT(u32, 0x228, (u64)line);
		PUT(u32, 0x238, 2047);
	}
	PUT(u8, 0x1ef, 0xff);		/* a sentinel: this loader clears nothing */
	PUT(u32, 0x0c8, 0x5a5a5a5a);	/* ext_cmd_line_ptr, so not to be believed */
	return entry;
}
