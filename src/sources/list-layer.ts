import { sanitise, toSafeNumber } from "../bytes/index.ts";
import type { ReadListEntry } from "../formats/initramfs-list/index.ts";
import { letOthersRun, readExactly, throwIfAborted } from "../host/index.ts";
import type { Entry, Layer, LayerVisitor, Time } from "../tree/index.ts";
import { inLine } from "./in-line.ts";
import type { ListedFile } from "./list-files.ts";
import { timeOf } from "./times.ts";

const READ_BYTES = 1 << 20;
/** Work between two turns of the event loop: contents in bytes, an entry counting as 16 KiB. */
const TURN_BYTES = 16 << 20;
const ENTRY_BYTES = 16 << 10;

/** An entry of a list, with its file where it is one. */
export interface FoundEntry {
  readonly entry: ReadListEntry;
  readonly file?: ListedFile;
}

/** The entries of a list as one layer: files have their own times, all else has `mtime`. */
export function listLayer(where: string, entries: readonly FoundEntry[], mtime: Time): Layer {
  return {
    name: where,
    async play(visitor, signal) {
      const buffer = new Uint8Array(READ_BYTES);
      let sinceTurn = 0;
      for (const found of entries) {
        throwIfAborted(signal);
        inLine(found.entry, where, () => playEntry(found, visitor, { mtime, buffer }));
        sinceTurn += ENTRY_BYTES + Number(found.file?.status.size ?? 0);
        if (sinceTurn < TURN_BYTES) continue;
        sinceTurn = 0;
        await letOthersRun();
      }
    },
  };
}

function playEntry(
  { entry, file }: FoundEntry,
  visitor: LayerVisitor,
  { mtime, buffer }: { readonly mtime: Time; readonly buffer: Uint8Array },
): void {
  const { kind, names, mode, uid, gid, target, rdev } = entry;
  const [path, ...links] = names;
  const base = { path, mode, uid, gid, mtime, xattrs: [], size: 0 };
  const more = { ...(target && { target }), ...(rdev && { rdev }) };
  if (file === undefined) visitor.entry({ ...base, ...more, type: kind });
  else playFile(base, file, visitor, buffer);
  for (const link of links) visitor.entry({ ...base, type: "hardlink", path: link, target: path });
}

function playFile(
  base: Omit<Entry, "type">,
  { path, status }: ListedFile,
  visitor: LayerVisitor,
  buffer: Uint8Array,
): void {
  const size = toSafeNumber(status.size, `the size of ${sanitise(String(base.path))}`);
  visitor.entry({ ...base, type: "file", size, mtime: timeOf(status.mtimeNs) });
  readExactly(path, status, buffer, (bytes) => visitor.data(bytes));
  visitor.endFile();
}
