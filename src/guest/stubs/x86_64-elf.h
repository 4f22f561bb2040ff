/* What both entries of a packed ELF kernel for x86_64 know of their file. */
#pragma once
#include "command-line.h"
#include "placed-text.h"

/* struct hvm_modlist_entry (include/xen/interface/hvm/start_info.h) */
struct module {
	u64 paddr;
	u64 size;
	u64 cmdline_paddr;
	u64 reserved;
};

/* The table at the start of the stub; src/kernel/pack/elf-stub.ts has it, too. */
struct stub {
	u8 magic[8];
	u32 entry;
	u32 stack;
	u64 kernel;
	struct module initramfs;
	struct placed_text before;
	struct placed_text after;
	u32 line; /* where the joined command line goes, a physical address */
	u32 room; /* bytes for it; 0: the loader's line stays as it is */
};

/* Joins the lines when there is a built-in one; where the line lies then, else 0. */
static inline u32 joined_line(const struct stub *stub, const u8 *own)
{
	struct text before = text_at(stub, stub->before), after = text_at(stub, stub->after);
	if (stub->room == 0)
		return 0;
	join_command_line((u8 *)(__UINTPTR_TYPE__)stub->line, stub->room, own, before, after);
	return stub->line;
}
