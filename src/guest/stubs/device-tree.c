/*
 * A copy of a flattened device tree (Devicetree Specification 0.4, chapter 5) with /chosen's
 * linux,initrd-start, linux,initrd-end and bootargs set. Runs with the MMU off, where memory
 * takes aligned accesses only: everything is read and written byte by byte (volatile keeps the
 * compiler from joining them). The tree comes from the loader and is checked all the same.
 */
#include "device-tree.h"
#include "dashes.h"

enum {
	FDT_MAGIC = 0xd00dfeed,
	FDT_VERSION = 17, /* the one that every loader writes, and size_dt_struct came with */
	FDT_BEGIN_NODE = 1,
	FDT_END_NODE = 2,
	FDT_PROP = 3,
	FDT_NOP = 4,
	FDT_END = 9,
	HEADER_BYTES = 40,
	RESERVATION_BYTES = 16,
	TREE_BYTES_MAX = 2 << 20, /* Documentation/arch/arm64/booting.rst */
	DEPTH_MAX = 64,
};

/* struct fdt_header, offsets */
enum {
	magic = 0,
	totalsize = 4,
	off_dt_struct = 8,
	off_dt_strings = 12,
	off_mem_rsvmap = 16,
	version = 20,
	last_comp_version = 24,
	size_dt_strings = 32,
	size_dt_struct = 36,
};

struct bytes {
	const volatile u8 *at;
	u32 length;
};

/* Where the copy has come to; `failed` once something does not fit. */
struct writer {
	volatile u8 *start;
	u32 length;
	u32 room;
	int failed;
};

static u32 read32(const volatile u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static u32 padded(u32 length)
{
	return (length + 3) & ~3u;
}

static void put8(struct writer *w, u8 byte)
{
	if (w->length < w->room)
		w->start[w->length++] = byte;
	else
		w->failed = 1;
}

static void put32(struct writer *w, u32 value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put8(w, (u8)(value >> shift));
}

static void put(struct writer *w, const volatile u8 *from, u32 length)
{
	while (length-- > 0)
		put8(w, *from++);
}

static void pad(struct writer *w, u32 alignment)
{
	while (w->length % alignment != 0 && !w->failed)
		put8(w, 0);
}

/* Only where 4 bytes were put before. */
static void set32(struct writer *w, u32 offset, u32 value)
{
	for (int i = 0; i < 4; i++)
		w->start[offset + (u32)i] = (u8)(value >> (24 - 8 * i));
}

/* Length of the text at `offset` without its NUL; 0 with *ok = 0 when none ends inside of `in`. */
static u32 text_length(struct bytes in, u32 offset, int *ok)
{
	for (u32 i = offset; i < in.length; i++)
		if (in.at[i] == 0)
			return i - offset;
	*ok = 0;
	return 0;
}

static int equals(struct bytes in, u32 offset, const char *name)
{
	for (; offset < in.length; offset++, name++) {
		if (in.at[offset] != (u8)*name)
			return 0;
		if (*name == 0)
			return 1;
	}
	return 0;
}

/* Names of the properties that are set, as they go behind the strings. */
static const char names[] = "linux,initrd-start\0linux,initrd-end\0bootargs";
enum { NAME_START = 0, NAME_END = 19, NAME_BOOTARGS = 36 };

static int is_ours(struct bytes strings, u32 name)
{
	return equals(strings, name, names + NAME_START) || equals(strings, name, names + NAME_END) ||
	       equals(strings, name, names + NAME_BOOTARGS);
}

static void put_address(struct writer *w, u32 name, u64 value)
{
	put32(w, FDT_PROP);
	put32(w, 8);
	put32(w, name);
	put32(w, (u32)(value >> 32));
	put32(w, (u32)value);
}

/*
 * The built-in words, then the loader's. `after` is what the first process gets (`-- words`):
 * it goes behind the loader's own options, and the loader's own such words behind it.
 */
static void put_line(struct writer *w, struct bytes line, const struct additions *added)
{
	put(w, added->before.bytes, added->before.length);
	if (added->after.length == 0) {
		put(w, line.at, line.length);
		return;
	}
	u32 split = before_dashes(line.at, line.length);
	put(w, line.at, split);
	if (split > 0 && line.at[split - 1] != ' ')
		put8(w, ' ');
	put(w, added->after.bytes, added->after.length);
	if (split < line.length)
		put(w, line.at + split + 2, line.length - split - 2);
}

static void put_bootargs(struct writer *w, u32 name, struct bytes line, const struct additions *added)
{
	if (added->before.length == 0 && added->after.length == 0 && line.length == 0)
		return;
	put32(w, FDT_PROP);
	u32 length_at = w->length;
	put32(w, 0);
	put32(w, name);
	u32 start = w->length;
	put_line(w, line, added);
	put8(w, 0);
	if (!w->failed)
		set32(w, length_at, w->length - start);
	pad(w, 4);
}

/* What walking through the structure block knows. */
struct walk {
	struct bytes structure;
	struct bytes strings;
	u32 at;
	u32 depth;
	int ok;
	int in_chosen; /* directly, at depth 2 */
	int chosen_seen;
	struct bytes line; /* the loader's bootargs */
};

/* One token: what it is, and where the next one begins. */
struct token {
	u32 kind;
	u32 start;
	struct bytes value; /* of a property */
	u32 name;	    /* offset of a property's name in the strings */
};

static struct token next(struct walk *walk)
{
	struct token token = { FDT_END, walk->at, { 0, 0 }, 0 };
	struct bytes in = walk->structure;
	u32 left = in.length - walk->at;
	if (left < 4) {
		walk->ok = 0;
		return token;
	}
	token.kind = read32(in.at + walk->at);
	walk->at += 4;
	left -= 4;
	if (token.kind == FDT_BEGIN_NODE) {
		u32 length = padded(text_length(in, walk->at, &walk->ok) + 1);
		walk->ok &= length <= left;
		walk->at += walk->ok ? length : 0;
	} else if (token.kind == FDT_PROP) {
		u32 length = left >= 8 ? read32(in.at + walk->at) : left;
		if (left < 8 || length > left - 8 || padded(length) > left - 8) {
			walk->ok = 0;
			return token;
		}
		token.name = read32(in.at + walk->at + 4);
		token.value = (struct bytes){ in.at + walk->at + 8, length };
		walk->at += 8 + padded(length);
	} else if (token.kind != FDT_END_NODE && token.kind != FDT_NOP && token.kind != FDT_END) {
		walk->ok = 0;
	}
	return token;
}

/* Keeps account of where in the tree the token is. */
static void enter(struct walk *walk, struct token token)
{
	if (token.kind == FDT_BEGIN_NODE) {
		walk->depth++;
		walk->ok &= walk->depth <= DEPTH_MAX;
		walk->in_chosen = walk->depth == 2 && equals(walk->structure, token.start + 4, "chosen");
	} else if (token.kind == FDT_END_NODE) {
		walk->ok &= walk->depth > 0;
		walk->depth -= walk->depth > 0;
		walk->in_chosen = 0;
	} else if (token.kind == FDT_PROP) {
		walk->ok &= token.name < walk->strings.length && walk->depth > 0;
	} else if (token.kind == FDT_END) {
		walk->ok &= walk->depth == 0;
	}
}

/* First time through: is it well-formed, is there a /chosen, what does bootargs say. */
static void look(struct walk *walk)
{
	struct token token;
	int nodes = 0;
	do {
		token = next(walk);
		enter(walk, token);
		nodes += token.kind == FDT_BEGIN_NODE && walk->depth == 1;
		walk->chosen_seen |= walk->in_chosen;
		int bootargs = walk->in_chosen && token.kind == FDT_PROP && walk->line.at == 0 &&
			       equals(walk->strings, token.name, names + NAME_BOOTARGS);
		if (walk->ok && bootargs) {
			int ended = 1;
			u32 length = text_length(token.value, 0, &ended);
			walk->line = (struct bytes){ token.value.at, ended ? length : token.value.length };
		}
	} while (walk->ok && token.kind != FDT_END);
	walk->ok &= nodes == 1;
}

static void put_properties(struct writer *w, const struct walk *walk, const struct additions *added)
{
	u32 base = walk->strings.length;
	put_bootargs(w, base + NAME_BOOTARGS, walk->line, added);
	put_address(w, base + NAME_START, added->initrd_start);
	put_address(w, base + NAME_END, added->initrd_end);
}

/* A /chosen of our own, in a tree that has none: behind everything else in the root. */
static void put_chosen(struct writer *w, const struct walk *walk, const struct additions *added)
{
	static const char chosen[] = "chosen\0";
	put32(w, FDT_BEGIN_NODE);
	put(w, (const volatile u8 *)chosen, sizeof chosen);
	put_properties(w, walk, added);
	put32(w, FDT_END_NODE);
}

/* Second time: copies token by token, but for what is replaced. */
static void copy_structure(struct writer *w, struct walk *walk, const struct additions *added)
{
	struct token token;
	int done = 0;
	walk->at = walk->depth = 0;
	walk->in_chosen = 0;
	do {
		token = next(walk);
		enter(walk, token);
		if (walk->in_chosen && token.kind == FDT_PROP && is_ours(walk->strings, token.name))
			continue;
		if (token.kind == FDT_END_NODE && walk->depth == 0 && !done)
			put_chosen(w, walk, added);
		put(w, walk->structure.at + token.start, walk->at - token.start);
		if (walk->in_chosen && token.kind == FDT_BEGIN_NODE && !done) {
			put_properties(w, walk, added);
			done = 1;
		}
	} while (token.kind != FDT_END);
}

/* The memory reservations, with their end mark; 0 when it is missing. */
static int put_reservations(struct writer *w, const volatile u8 *tree, u32 total)
{
	u32 at = read32(tree + off_mem_rsvmap);
	for (;;) {
		u8 any = 0;
		if (at < HEADER_BYTES || at > total || total - at < RESERVATION_BYTES || w->failed)
			return 0;
		for (u32 i = 0; i < RESERVATION_BYTES; i++)
			any |= tree[at + i];
		put(w, tree + at, RESERVATION_BYTES);
		at += RESERVATION_BYTES;
		if (any == 0)
			return 1;
	}
}

static struct bytes block(const volatile u8 *tree, u32 total, u32 offset_field, u32 size_field, int *ok)
{
	u32 offset = read32(tree + offset_field), size = read32(tree + size_field);
	*ok &= offset >= HEADER_BYTES && offset <= total && size <= total - offset;
	return (struct bytes){ tree + offset, size };
}

u32 extend_device_tree(volatile u8 *copy, u32 room, const volatile u8 *tree, const struct additions *added)
{
	flush_cache(tree, HEADER_BYTES);
	u32 total = read32(tree + totalsize);
	if (read32(tree + magic) != FDT_MAGIC || total < HEADER_BYTES || total > TREE_BYTES_MAX ||
	    read32(tree + version) < FDT_VERSION || read32(tree + last_comp_version) > FDT_VERSION)
		return 0;
	flush_cache(tree, total);
	struct walk walk = { .ok = 1 };
	walk.structure = block(tree, total, off_dt_struct, size_dt_struct, &walk.ok);
	walk.strings = block(tree, total, off_dt_strings, size_dt_strings, &walk.ok);
	walk.ok &= (read32(tree + off_dt_struct) & 3) == 0;
	/* Names end with the block, so that ours may follow it. */
	if (walk.ok && walk.strings.length > 0)
		walk.ok = walk.strings.at[walk.strings.length - 1] == 0;
	if (walk.ok)
		look(&walk);
	if (!walk.ok)
		return 0;

	struct writer w = { copy, 0, room, 0 };
	put(&w, tree, HEADER_BYTES);
	u32 reservations = w.length;
	if (!put_reservations(&w, tree, total))
		return 0;
	u32 structure = w.length;
	copy_structure(&w, &walk, added);
	u32 strings = w.length;
	put(&w, walk.strings.at, walk.strings.length);
	put(&w, (const volatile u8 *)names, sizeof names);
	u32 end = w.length;
	pad(&w, 8);
	if (w.failed)
		return 0;
	set32(&w, totalsize, w.length);
	set32(&w, off_mem_rsvmap, reservations);
	set32(&w, off_dt_struct, structure);
	set32(&w, size_dt_struct, strings - structure);
	set32(&w, off_dt_strings, strings);
	set32(&w, size_dt_strings, end - strings);
	set32(&w, version, FDT_VERSION);
	return w.length;
}
