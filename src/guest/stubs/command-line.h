/* How the boot stubs for x86_64 join the built-in command line and the loader's own. */
#pragma once
#include "types.h"

/* Text that is somewhere in memory, without an end mark. */
struct text {
	const u8 *bytes;
	u32 length;
};

/*
 * Writes `before`, the options of `own` and `after` to `to`, then what `own` has behind its word
 * `--`, and a NUL: at most `room` bytes. `own` is the loader's text up to its NUL, or 0. What
 * does not fit is cut off `own`, of which no more than `room` bytes are looked at.
 */
void join_command_line(u8 *to, u32 room, const u8 *own, struct text before, struct text after);
