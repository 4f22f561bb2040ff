import { crc32c, type Storage } from "../../bytes/index.ts";
import {
  checkLabel,
  checkUuid,
  type FileSystemOptions,
  type FileSystemWriter,
} from "../file-system-writer.ts";
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

export type ErofsOptions = FileSystemOptions;

/** What was written. */
export interface ErofsSummary {
  readonly sizeBytes: number;
  readonly inodes: number;
  readonly uuid: Uint8Array;
  /** Whether a file has holes, so that kernels before 5.15 refuse the image. */
  readonly hasHoles: boolean;
}

/**
 * Begins an uncompressed EROFS image in `storage`, which must be empty. Files' bytes go through
 * the sink to their final places; `finish` adds the tree. Throws IMAGE_LIMIT for what EROFS
 * cannot hold; the storage is then of no use. Linux mounts it from 5.4 on.
 */
export function createErofs(
  storage: Storage,
  options: ErofsOptions,
): FileSystemWriter<ErofsSummary> {
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
