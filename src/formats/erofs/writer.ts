import { crc32c, utf8, type Storage } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import type { Sink, Tree } from "../../tree/index.ts";
import type { InodePlan } from "./inode-plan.ts";
import {
  BLOCK,
  EROFS_BLOCK_BITS,
  EROFS_SUPER_MAGIC_V1,
  SUPERBLOCK_OFFSET,
  superblock,
} from "./layout.ts";
import { COMPAT, INCOMPAT } from "./layout-flags.ts";
import { Output } from "./output.ts";
import { ErofsSink } from "./sink.ts";
import { Slots } from "./slots.ts";
import { TreePlacer, type TreeParts } from "./tree-placer.ts";
import { TreeWriter } from "./tree-writer.ts";

/** How the image is to be. */
export interface ErofsOptions {
  /** Volume name, at most 16 bytes of UTF-8. */
  readonly label?: string;
  /** The UUID's 16 bytes; a function is asked when all file data have passed. */
  readonly uuid: Uint8Array | (() => Uint8Array);
  /** Gets a sentence for the user about whatever could not be kept as it is. */
  readonly warn: (message: string) => void;
}

/** What was written. */
export interface ErofsSummary {
  readonly sizeBytes: number;
  readonly inodes: number;
  readonly uuid: Uint8Array;
  /** Whether a file has holes, so that kernels before 5.15 refuse the image. */
  readonly hasHoles: boolean;
}

/** An image that is being written. */
export interface ErofsWriter {
  /** Takes the files' bytes. */
  readonly sink: Sink;
  /** Writes everything else; the tree's files must have their places in this sink. Once only. */
  finish(tree: Tree): ErofsSummary;
}

const LABEL_BYTES = 16;
const UUID_BYTES = 16;

/**
 * Begins an uncompressed EROFS image in `storage`, which must be empty. Files' bytes go through
 * the sink to their final places; `finish` adds the tree. Throws IMAGE_LIMIT for what EROFS
 * cannot hold; the storage is then of no use. Linux mounts it from 5.4 on.
 */
export function createErofs(storage: Storage, options: ErofsOptions): ErofsWriter {
  const label = checkLabel(options.label ?? "");
  const output = new Output(storage);
  output.skip(BLOCK); // the superblock and the root
  const slots = new Slots(output);
  const sink = new ErofsSink(output, slots);
  return {
    sink,
    finish(tree) {
      const parts = { tree, sink, slots, output, warn: options.warn };
      const plan = new TreePlacer(parts).place();
      slots.seal();
      new TreeWriter(parts, plan).write();
      const uuid = checkUuid(options.uuid);
      const hasHoles = plan.inodes.some((ino) => sink.hasHoles(tree.inodes.place(ino)));
      writeSuperblock(parts, plan, { uuid, label, hasHoles });
      output.finish();
      return { sizeBytes: output.end, inodes: plan.inodes.length, uuid, hasHoles };
    },
  };
}

interface Named {
  readonly uuid: Uint8Array;
  readonly label: Uint8Array;
  readonly hasHoles: boolean;
}

/** Last of all, because the checksum covers the root behind it. */
function writeSuperblock(
  { output }: TreeParts,
  plan: InodePlan,
  { uuid, label, hasHoles }: Named,
): void {
  const block = new Uint8Array(BLOCK);
  output.read(block, 0);
  const fields = {
    magic: EROFS_SUPER_MAGIC_V1,
    feature_compat: COMPAT.SB_CHKSUM | COMPAT.MTIME,
    blkszbits: EROFS_BLOCK_BITS,
    root_nid: plan.nid(0),
    inos: BigInt(plan.inodes.length),
    build_time: 0n, // every inode has a time of its own
    blocks: output.end / BLOCK,
    meta_blkaddr: 0, // nids count from the image's start
    uuid,
    volume_name: label,
    feature_incompat: hasHoles ? INCOMPAT.CHUNKED_FILE : 0,
  };
  superblock.write(block, fields, SUPERBLOCK_OFFSET);
  const checksum = crc32c(0xffffffff, block, SUPERBLOCK_OFFSET);
  superblock.write(block, { ...fields, checksum }, SUPERBLOCK_OFFSET);
  output.patch(block, 0);
}

function checkLabel(label: string): Uint8Array {
  const bytes = utf8(label);
  if (bytes.length <= LABEL_BYTES && !bytes.includes(0)) return bytes;
  throw new WickError(
    "USAGE",
    `Cannot label the image: ${bytes.length} bytes, wanted ${LABEL_BYTES} at most and no NUL`,
  );
}

function checkUuid(uuid: Uint8Array | (() => Uint8Array)): Uint8Array {
  const bytes = typeof uuid === "function" ? uuid() : uuid;
  if (bytes.length === UUID_BYTES) return bytes;
  throw new WickError("INTERNAL", `Cannot use a UUID of ${bytes.length} bytes, wanted 16`);
}
