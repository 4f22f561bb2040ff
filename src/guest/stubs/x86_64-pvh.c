/* Initramfs and command line, as PVH hands them over. */
#include "x86_64-elf.h"

/* struct hvm_start_info (include/xen/interface/hvm/start_info.h), the part that is version 0. */
struct start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 nr_modules;
	u64 modlist_paddr;
	u64 cmdline_paddr;
	u64 rsdp_paddr;
};

void hand_over(struct start_info *info, const struct stub *stub)
{
	u32 line = joined_line(stub, (const u8 *)(__UINTPTR_TYPE__)info->cmdline_paddr);
	if (line != 0)
		info->cmdline_paddr = line;
	info->nr_modules = 1; /* Linux takes the first one, so a VMM's own is replaced */
	info->modlist_paddr = (u32)(__UINTPTR_TYPE__)&stub->initramfs;
}
