/* The fields of struct boot_params that the stubs write (arch/x86/include/uapi/asm/bootparam.h). */
#pragma once
#include "types.h"

enum {
	ext_ramdisk_image = 0x0c0,
	ext_ramdisk_size = 0x0c4,
	ext_cmd_line_ptr = 0x0c8,
	sentinel = 0x1ef,
	type_of_loader = 0x210,
	ramdisk_image = 0x218,
	ramdisk_size = 0x21c,
	cmd_line_ptr = 0x228,
	setup_data = 0x250,
	init_size = 0x260,
	LOADER_UNDEFINED = 0xff,
};

static inline u32 *field(u8 *params, u32 offset)
{
	return (u32 *)(params + offset);
}

/* An address in a field and the upper half of it in another one. */
static inline void put_address(u8 *params, u32 low, u32 high, u64 address)
{
	*field(params, low) = (u32)address;
	*field(params, high) = (u32)(address >> 32);
}

/*
 * A loader that did not clear boot_params leaves a sentinel in them: the kernel then takes
 * nothing from the ext_ fields (arch/x86/include/asm/bootparam_utils.h), nor does this.
 */
static inline const u8 *loaders_line(u8 *params)
{
	u64 high = params[sentinel] == 0 ? *field(params, ext_cmd_line_ptr) : 0;
	return (const u8 *)(__UINTPTR_TYPE__)(high << 32 | *field(params, cmd_line_ptr));
}

/* The kernel takes no initramfs from a loader that has no type (reserve_initrd). */
static inline void give_initramfs(u8 *params, u64 address, u64 size)
{
	put_address(params, ramdisk_image, ext_ramdisk_image, address);
	put_address(params, ramdisk_size, ext_ramdisk_size, size);
	if (params[type_of_loader] == 0)
		params[type_of_loader] = LOADER_UNDEFINED;
}
