import { crc32c } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { FILE_TYPE } from "../file-types.ts";
import { BLOCK } from "./geometry.ts";
import { dxCountLimit, dxEntry, dxNode, dxRoot, dxTail, DX_HASH } from "./layout-directory.ts";
import { HTREE_LEVELS_MAX } from "./layout-flags.ts";

/** Index entries of the root and of a node: what is left beside header and checksum. */
export const ROOT_LIMIT = (BLOCK - dxRoot.sizeBytes - dxTail.sizeBytes) / dxEntry.sizeBytes;
export const NODE_LIMIT = (BLOCK - dxNode.sizeBytes - dxTail.sizeBytes) / dxEntry.sizeBytes;

const EIGHT_ZEROS = new Uint8Array(8);

/** The leaves of an indexed directory: where each begins among the sorted names, and its hash. */
export interface Leaves {
  /** Index of each leaf's first name. */
  readonly starts: readonly number[];
  /** Hash for each leaf's index entry: that of its first name, continuation bit included. */
  readonly hashes: readonly number[];
}

/**
 * Cuts names, sorted by hash, into leaves of at most `leafBytes`. Where a cut falls between two
 * names of one hash, the later leaf's entry says so in its lowest bit, and a look-up goes on
 * from the leaf before (fs/ext4/namei.c do_split).
 */
export function cutLeaves(
  hashes: ArrayLike<number>,
  lengths: ArrayLike<number>,
  leafBytes: number,
): Leaves {
  const starts: number[] = [];
  const cuts: number[] = [];
  let used = Infinity;
  for (let i = 0; i < hashes.length; i++) {
    const hash = hashes[i]!;
    if (used + lengths[i]! > leafBytes) {
      const continued = i > 0 && hashes[i - 1] === hash ? 1 : 0;
      starts.push(i);
      cuts.push(hash + continued);
      used = 0;
    }
    used += lengths[i]!;
  }
  return { starts, hashes: cuts };
}

/** How many blocks each level has, the leaves first, the root's children last. */
export function levelSizes(leaves: number): number[] {
  const sizes = [leaves];
  while (sizes.at(-1)! > ROOT_LIMIT) sizes.push(Math.ceil(sizes.at(-1)! / NODE_LIMIT));
  if (sizes.length - 1 <= HTREE_LEVELS_MAX) return sizes;
  throw new WickError(
    "IMAGE_LIMIT",
    `Cannot write a directory of ${leaves} blocks: an ext4 index holds ${ROOT_LIMIT * NODE_LIMIT}`,
  );
}

/**
 * Emits the index blocks of a directory in the order of their numbers: root, then level by
 * level downwards. The leaves follow them.
 */
export function putIndex(options: {
  readonly leaves: Leaves;
  readonly self: number;
  readonly parent: number;
  readonly inodeSeed: number;
  readonly put: (block: Uint8Array) => void;
}): void {
  const { leaves, inodeSeed, put } = options;
  const sizes = levelSizes(leaves.hashes.length);
  const block = new Uint8Array(BLOCK);
  let firstChild = 1;
  dxRoot.write(block, rootFields(options.self, options.parent, sizes.length - 1));
  for (let level = sizes.length; level > 0; level--) {
    const isRoot = level === sizes.length;
    const limit = isRoot ? ROOT_LIMIT : NODE_LIMIT;
    const children = sizes[level - 1]!;
    const leavesPerChild = NODE_LIMIT ** (level - 1);
    for (let from = 0; from < children; from += limit) {
      if (!isRoot) {
        block.fill(0);
        dxNode.write(block, { fake_rec_len: BLOCK });
      }
      const count = Math.min(limit, children - from);
      const entries = Array.from({ length: count }, (_, i) => ({
        hash: leaves.hashes[(from + i) * leavesPerChild]!,
        block: firstChild + from + i,
      }));
      sealIndex(block, isRoot ? dxRoot.sizeBytes : dxNode.sizeBytes, { limit, entries, inodeSeed });
      put(block);
    }
    firstChild += children;
  }
}

function rootFields(self: number, parent: number, indirectLevels: number): object {
  return {
    dot_inode: self,
    dot_rec_len: 12,
    dot_name_len: 1,
    dot_file_type: FILE_TYPE.directory,
    dot_name: 0x2e,
    dotdot_inode: parent,
    dotdot_rec_len: BLOCK - 12,
    dotdot_name_len: 2,
    dotdot_file_type: FILE_TYPE.directory,
    dotdot_name: 0x2e2e,
    hash_version: DX_HASH.HALF_MD4,
    info_length: 8,
    indirect_levels: indirectLevels,
  };
}

/** Writes the entries and the checksum of a root or node whose header is `headerBytes` long. */
function sealIndex(
  block: Uint8Array,
  headerBytes: number,
  index: {
    readonly limit: number;
    readonly entries: readonly { readonly hash: number; readonly block: number }[];
    readonly inodeSeed: number;
  },
): void {
  const { limit, entries, inodeSeed } = index;
  for (const [i, entry] of entries.entries()) {
    dxEntry.write(block, entry, headerBytes + i * dxEntry.sizeBytes);
  }
  dxCountLimit.write(block, { limit, count: entries.length }, headerBytes);
  const used = headerBytes + entries.length * dxEntry.sizeBytes;
  // The tail takes part as it is before the checksum is known: eight zero bytes.
  const checksum = crc32c(crc32c(inodeSeed, block, 0, used), EIGHT_ZEROS);
  dxTail.write(block, { dt_checksum: checksum }, headerBytes + limit * dxEntry.sizeBytes);
}
