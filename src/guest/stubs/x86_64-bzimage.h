/* The table at the start of a packed bzImage's stubs; src/kernel/pack/bzimage-stub.ts has it, too. */
#pragma once
#include "command-line.h"
#include "placed-text.h"

struct stub {
	u8 magic[8];
	u32 entry;
	u32 stack;	/* its end, from the table */
	u32 distance;	/* from the start of the code to the table */
	u32 kernel;	/* from the start of the code to the kernel's entry */
	u32 alignment;	/* kernel_alignment; 0: it runs at pref_address wherever it was loaded */
	u32 init_size;
	u64 pref_address;
	u8 startup_32[8]; /* what was there before the jumps to the stubs */
	u8 startup_64[8];
	u32 initramfs; /* from the start of the code */
	u32 initramfs_size;
	struct placed_text before;
	struct placed_text after;
	u32 room; /* bytes for the joined line; 0: the loader's line stays as it is */
	u32 reserved;
};
