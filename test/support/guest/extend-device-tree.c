/*
 * The stub's device tree code as a program: extend-device-tree ROOM BEFORE AFTER. Reads trees
 * from stdin, each behind its length (4 bytes, native order), and answers each alike, with no
 * bytes for one that is refused. Trees lie in memory of their own size, for the sanitizer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device-tree.h"

/* Here the cache needs no help, but what is to be flushed must be memory. */
void flush_cache(const volatile u8 *start, u64 length)
{
	for (u64 i = 0; i < length; i++)
		(void)start[i];
}

/* What is there in memory: all that the header promises, as far as the stub believes it. */
static size_t promised(const u8 *tree, u32 length)
{
	u32 total = length < 8 ? 0 : (u32)tree[4] << 24 | (u32)tree[5] << 16 | (u32)tree[6] << 8 | tree[7];
	size_t least = length < 40 ? 40 : length;
	return total > least && total <= 2 << 20 ? total : least;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	u32 room = (u32)atoi(argv[1]), length;
	struct additions added = {
		.initrd_start = 0x123456780,
		.initrd_end = 0x123459999,
		.before = { (u8 *)argv[2], (u32)strlen(argv[2]) },
		.after = { (u8 *)argv[3], (u32)strlen(argv[3]) },
	};
	while (fread(&length, sizeof length, 1, stdin) == 1) {
		u8 *given = malloc(length + 1);
		if (fread(given, 1, length, stdin) != length)
			return 2;
		u8 *tree = calloc(1, promised(given, length)), *copy = malloc(room);
		memcpy(tree, given, length);
		u32 result = extend_device_tree(copy, room, tree, &added);
		fwrite(&result, sizeof result, 1, stdout);
		fwrite(copy, 1, result, stdout);
		free(given);
		free(tree);
		free(copy);
	}
	return 0;
}
