/**
 * The hash of directory names, half_md4 in its unsigned form (fs/ext4/hash.c
 * ext4fs_dirhash, lib half_md4_transform).
 */

/** s_hash_seed: four words. */
export type HashSeed = readonly [number, number, number, number];

/** The largest hash means "end of directory" (EXT4_HTREE_EOF_32BIT << 1); names get the one before. */
const EOF_HASH = 0xfffffffe;

const K2 = 0x5a827999;
const K3 = 0x6ed9eba1;

const words = new Int32Array(8);
const state = new Int32Array(4);

function rol(x: number, s: number): number {
  return (x << s) | (x >>> (32 - s));
}

const f = (x: number, y: number, z: number): number => z ^ (x & (y ^ z));
const g = (x: number, y: number, z: number): number => ((x & y) + ((x ^ y) & z)) | 0;
const h = (x: number, y: number, z: number): number => x ^ y ^ z;

/** One round: eight steps over `words` in `order`. */
function round(
  mix: (x: number, y: number, z: number) => number,
  constant: number,
  order: readonly number[],
  shifts: readonly number[],
): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  for (let i = 0; i < 8; i++) {
    const sum = (a + mix(b, c, d) + words[order[i]!]! + constant) | 0;
    a = d;
    d = c;
    c = b;
    b = rol(sum, shifts[i & 3]!);
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

function halfMd4Transform(): void {
  const before = Int32Array.from(state);
  round(f, 0, [0, 1, 2, 3, 4, 5, 6, 7], [3, 7, 11, 19]);
  round(g, K2, [1, 3, 5, 7, 0, 2, 4, 6], [3, 5, 9, 13]);
  round(h, K3, [3, 7, 2, 6, 1, 5, 0, 4], [3, 9, 11, 15]);
  for (let i = 0; i < 4; i++) state[i] = (state[i]! + before[i]!) | 0;
}

/** Takes up to 32 bytes of the name into `words`, the rest padded with its length. */
function takeWords(name: Uint8Array, offset: number): void {
  const left = name.length - offset;
  const byte = left & 0xff;
  const pad = byte | (byte << 8) | (byte << 16) | (byte << 24);
  const length = Math.min(left, 32);
  let value = pad;
  let word = 0;
  for (let i = 0; i < length; i++) {
    value = (name[offset + i]! + (value << 8)) | 0;
    if (i % 4 === 3) {
      words[word++] = value;
      value = pad;
    }
  }
  if (word < 8) words[word++] = value;
  while (word < 8) words[word++] = pad;
}

/** The hash of `name`: an even number of 32 bits (its lowest bit is the continuation's). */
export function nameHash(name: Uint8Array, seed: HashSeed): number {
  for (let i = 0; i < 4; i++) state[i] = seed[i]!;
  for (let offset = 0; offset < name.length; offset += 32) {
    takeWords(name, offset);
    halfMd4Transform();
  }
  const hash = (state[1]! & ~1) >>> 0;
  return hash === EOF_HASH ? EOF_HASH - 2 : hash;
}
