import { type Storage, toSafeNumber } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { baseInode, DIRECTORY_TYPES, superblock, UNCOMPRESSED } from "./layout.ts";

/** Bytes before the contents of a block of metadata. */
const HEADER_BYTES = 2;
const ID_BYTES = 4;
/** Ids in one block of the table. */
const IDS_IN_BLOCK = 2048;

/** What the root is to be. */
export interface RootOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  /** Every owner and group of the other nodes. */
  readonly ids: ReadonlySet<number>;
}

/**
 * Sets owner and mtime of the root of an image whose inodes and ids are not compressed
 * (`mksquashfs -noI`): of an archive mksquashfs takes none for it, and writes the caller's and
 * the time of the day. The caller's id goes where nothing else has it. False where the owner
 * could not be set, because the image has no such id and no room for one.
 */
export function setRoot(storage: Storage, root: RootOwner): boolean {
  const image = superblock.read(readAt(storage, 0, superblock.sizeBytes));
  const block = toSafeNumber(image.inode_table_start + (image.root_inode >> 16n), "the root");
  const position = contentsOf(storage, block) + Number(image.root_inode & 0xffffn);
  const inode = baseInode.read(readAt(storage, position, baseInode.sizeBytes));
  if (!DIRECTORY_TYPES.includes(inode.inode_type)) throw misplaced();
  const ids = new IdTable(storage, image);
  const uid = ids.give(root.uid, inode.uid, root.ids);
  const gid = ids.give(root.gid, inode.guid, root.ids);
  for (const index of [inode.uid, inode.guid]) ids.forget(index, root);
  const fields = { ...inode, uid: uid ?? inode.uid, guid: gid ?? inode.guid };
  storage.writeAt(baseInode.encode({ ...fields, mtime: root.mtimeSeconds }), position);
  return uid !== undefined && gid !== undefined;
}

/** The numbers of owners and groups, which inodes have the indexes of. */
class IdTable {
  readonly #storage: Storage;
  readonly #position: number;
  readonly #ids: number[];

  constructor(storage: Storage, image: ReturnType<typeof superblock.read>) {
    this.#storage = storage;
    const pointer = readAt(storage, toSafeNumber(image.id_table_start, "the id table"), 8);
    const block = new DataView(pointer.buffer).getBigUint64(0, true);
    this.#position = contentsOf(storage, toSafeNumber(block, "the id table"));
    const count = Math.min(image.no_ids, IDS_IN_BLOCK);
    const view = new DataView(readAt(storage, this.#position, count * ID_BYTES).buffer);
    this.#ids = Array.from({ length: count }, (_, i) => view.getUint32(i * ID_BYTES, true));
  }

  /** The index of `id`: where it stands, or `own` when nobody else has what stands there. */
  give(id: number, own: number, used: ReadonlySet<number>): number | undefined {
    const found = this.#ids.indexOf(id);
    if (found >= 0) return found;
    const is = this.#ids[own];
    if (is === undefined || used.has(is)) return undefined;
    this.#set(own, id);
    return own;
  }

  /** Writes 0 in place of an id that no node has. */
  forget(index: number, { uid, gid, ids }: RootOwner): void {
    const is = this.#ids[index];
    if (is !== undefined && is !== uid && is !== gid && !ids.has(is)) this.#set(index, 0);
  }

  #set(index: number, id: number): void {
    this.#ids[index] = id;
    const bytes = new Uint8Array(ID_BYTES);
    new DataView(bytes.buffer).setUint32(0, id, true);
    this.#storage.writeAt(bytes, this.#position + index * ID_BYTES);
  }
}

/** Where the contents of the block of metadata at `block` begin: it must not be compressed. */
function contentsOf(storage: Storage, block: number): number {
  const header = new DataView(readAt(storage, block, HEADER_BYTES).buffer);
  if ((header.getUint16(0, true) & UNCOMPRESSED) === 0) throw misplaced();
  return block + HEADER_BYTES;
}

function readAt(storage: Storage, position: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (storage.readAt(bytes, position) < length) throw misplaced();
  return bytes;
}

function misplaced(): WickError {
  return new WickError(
    "TOOL_FAILED",
    "Cannot finish the squashfs: its root is not where mksquashfs should have put it",
  );
}
