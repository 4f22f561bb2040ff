/* Where the options of a command line end, for every stub. */
#pragma once
#include "types.h"

/* Length of the part of a command line before its word `--`, as parse_args() finds it. */
static inline u32 before_dashes(const volatile u8 *line, u32 length)
{
	int quoted = 0;
	for (u32 i = 0; i < length; i++) {
		int starts = i == 0 || line[i - 1] == ' ';
		int ends = i + 2 == length || (i + 2 < length && line[i + 2] == ' ');
		if (line[i] == '"')
			quoted = !quoted;
		else if (!quoted && starts && ends && line[i] == '-' && line[i + 1] == '-')
			return i;
	}
	return length;
}
