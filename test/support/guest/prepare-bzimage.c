/*
 * What a bzImage's stub does, as a program: prepare-bzimage ADDRESS BYTES STUB LINE. Standard
 * input, the file from its code on, is put at ADDRESS, as loaders do, with setup_data right
 * behind it and another node of that elsewhere; the table STUB bytes into it is handed to the
 * stub, with the loader's command line. Standard output: BYTES of memory from ADDRESS on,
 * boot_params (a page), where the stub goes on (8 bytes). It fails
 * unless the first node, which is written over, is gone from the list, and the second is not.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "x86_64-boot-params.h"
#include "x86_64-bzimage.h"

__UINTPTR_TYPE__ prepare(u8 *params, const struct stub *stub);

static u8 *map(unsigned long at, size_t bytes)
{
	void *memory = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	return memory == MAP_FAILED ? 0 : memory;
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	unsigned long at = strtoul(argv[1], 0, 0), bytes = strtoul(argv[2], 0, 0);
	u8 *code = map(at, bytes), *params = map(0x10000000 - 0x10000, 4096);
	u64 *kept = (u64 *)map(0x10000000 - 0x20000, 4096);
	if (code == 0 || params == 0 || kept == 0)
		return 3;
	memset(code, 0xcc, bytes);
	size_t loaded = fread(code, 1, bytes, stdin);
	u64 *lost = (u64 *)(code + ((loaded + 15) & ~15ul));
	*(u64 *)(params + setup_data) = (u64)lost;
	lost[0] = (u64)kept;
	kept[0] = 0;
	if (argv[4][0] != 0) {
		strcpy((char *)params + 2048, argv[4]);
		*field(params, cmd_line_ptr) = (u32)(unsigned long)(params + 2048);
	}
	u64 next = prepare(params, (struct stub *)(code + strtoul(argv[3], 0, 0)));
	fwrite(code, 1, bytes, stdout);
	fwrite(params, 1, 4096, stdout);
	fwrite(&next, 1, sizeof next, stdout);
	return *(u64 *)(params + setup_data) == (u64)kept ? 0 : 4;
}
