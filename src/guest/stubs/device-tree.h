/* What the boot stub for aarch64 tells the kernel through the device tree. */
#pragma once
#include "types.h"

/* Text that is somewhere in memory, without an end mark. */
struct text {
	const volatile u8 *bytes;
	u32 length;
};

struct additions {
	u64 initrd_start; /* physical addresses */
	u64 initrd_end;
	struct text before; /* of the command line: before the loader's own, and behind it */
	struct text after;
};

/*
 * Copies the device tree at `tree` to `room` bytes at `copy`, with `added` in its /chosen.
 * Returns the bytes written, or 0 when the tree is not well-formed or does not fit: then the
 * copy is of no use.
 */
u32 extend_device_tree(volatile u8 *copy, u32 room, const volatile u8 *tree, const struct additions *added);

/*
 * Writes what the data cache holds of these bytes to memory and empties it of them. Here the
 * MMU is off and so is the cache, but whoever ran before may have used it, and the kernel will.
 */
void flush_cache(const volatile u8 *start, u64 length);
