/* Text that lies behind a stub's table. */
#pragma once
#include "command-line.h"

/* Where it begins, from the table, and its bytes. */
struct placed_text {
	u32 offset;
	u32 length;
};

static inline struct text text_at(const void *table, struct placed_text placed)
{
	return (struct text){ (const u8 *)table + placed.offset, placed.length };
}
