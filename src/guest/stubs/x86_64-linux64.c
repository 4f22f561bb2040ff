/* Initramfs and command line, as the Linux boot protocol hands them over. */
#include "x86_64-boot-params.h"
#include "x86_64-elf.h"

void hand_over(u8 *params, const struct stub *stub)
{
	u32 line = joined_line(stub, loaders_line(params));
	if (line != 0)
		put_address(params, cmd_line_ptr, ext_cmd_line_ptr, line);
	give_initramfs(params, stub->initramfs.paddr, stub->initramfs.size);
}
