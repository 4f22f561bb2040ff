/*
 * Built-in words go around the loader's: options before its own, what the first process gets
 * (`-- words`) behind its options and before its own such words.
 */
#include "command-line.h"
#include "dashes.h"

struct line {
	u8 *to;
	u32 length;
	u32 room;
};

/* One byte stays free, for the NUL. */
static void put(struct line *line, struct text text)
{
	for (u32 i = 0; i < text.length && line->length + 1 < line->room; i++)
		line->to[line->length++] = text.bytes[i];
}

static u32 length_of(const u8 *text, u32 limit)
{
	u32 length = 0;
	while (text != 0 && length < limit && text[length] != 0)
		length++;
	return length;
}

/* The words behind the options, and a space before them. */
static void put_after(struct line *line, struct text after, int separated)
{
	u8 space = ' '; /* no constant in memory: its address is not known when the stub is built */
	if (!separated)
		put(line, (struct text){ &space, 1 });
	put(line, after);
}

void join_command_line(u8 *to, u32 room, const u8 *own, struct text before, struct text after)
{
	struct line line = { to, 0, room };
	u32 length = length_of(own, room);
	u32 split = after.length == 0 ? length : before_dashes(own, length);
	put(&line, before);
	/* The built-in words are what the file was made for: the loader's options give way. */
	u32 kept = line.length + after.length + 2;
	u32 left = kept < room ? room - kept : 0;
	put(&line, (struct text){ own, split < left || after.length == 0 ? split : left });
	if (after.length > 0) {
		put_after(&line, after, line.length == 0 || to[line.length - 1] == ' ');
		if (split < length)
			put(&line, (struct text){ own + split + 2, length - split - 2 });
	}
	to[line.length] = 0;
}
