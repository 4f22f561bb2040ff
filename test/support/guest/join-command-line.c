/*
 * The stubs' joining of command lines as a program: join-command-line BEFORE AFTER. Reads the
 * loader's lines from stdin, each behind its room and its length (4 bytes, native order; the
 * length all ones: no line), and answers each behind its length. Everything lies in memory of
 * its own size, for the sanitizer; the loader's line has no NUL where it is longer than the room.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command-line.h"

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	struct text before = { (u8 *)argv[1], (u32)strlen(argv[1]) };
	struct text after = { (u8 *)argv[2], (u32)strlen(argv[2]) };
	u32 head[2];
	while (fread(head, sizeof head, 1, stdin) == 1) {
		u32 room = head[0], length = head[1];
		int none = length == ~0u, ends = none || length < room;
		size_t bytes = none ? 0 : length + (size_t)ends;
		u8 *own = none ? 0 : malloc(bytes);
		if (!none && fread(own, 1, length, stdin) != length)
			return 2;
		if (!none && ends)
			own[length] = 0;
		u8 *to = malloc(room);
		join_command_line(to, room, own, before, after);
		u32 result = (u32)strnlen((char *)to, room);
		if (result == room)
			return 3;
		fwrite(&result, sizeof result, 1, stdout);
		fwrite(to, 1, result, stdout);
		free(own);
		free(to);
	}
	return 0;
}
