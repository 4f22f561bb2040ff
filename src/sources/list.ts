import { dirname, join } from "node:path";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { readInitramfsList, type ReadListEntry } from "../formats/initramfs-list/index.ts";
import { notRegular, readSmallFile, statOf } from "../host/index.ts";
import { ListFiles } from "./list-files.ts";
import { type FoundEntry, listLayer } from "./list-layer.ts";
import type { Source, SourceContents } from "./source.ts";

/** How lists are read. */
export interface ListSettings {
  /** Where relative locations start (absolute); by default the list's own directory. */
  readonly directory: string | undefined;
  /** Whether a list may name files anywhere on the host. */
  readonly anyFile: boolean;
  /** Values of variables, by name; there are no others. */
  readonly variables: Readonly<Record<string, string>>;
  /** Seconds since 1970 of all that is no file: gen_init_cpio's `-t`. */
  readonly mtimeSeconds: number;
}

/** The list in a directory of lists and files, as `--format initramfs-list` makes it. */
const LIST = "initramfs_list";
const LIST_MAX_BYTES = 64 << 20;

/** A list of the kernel's gen_init_cpio at `path` (absolute), as one layer. */
export function listSource(reference: string, path: string, settings: ListSettings): Source {
  return {
    reference,
    async open() {
      const list = listAt(path);
      const where = sanitise(list);
      const entries = readInitramfsList(readSmallFile(list, LIST_MAX_BYTES), where);
      const { directory = dirname(list), anyFile } = settings;
      const variables = new Map(
        Object.entries(settings.variables).map(([name, value]) => [name, Buffer.from(value)]),
      );
      const files = new ListFiles({ directory, anyFile, variables }, where);
      return contentsOf(
        entries.map((entry) => found(entry, files)),
        where,
        settings,
      );
    },
  };
}

function found(entry: ReadListEntry, files: ListFiles): FoundEntry {
  return entry.kind === "file" ? { entry, file: files.find(entry) } : { entry };
}

function contentsOf(
  entries: readonly FoundEntry[],
  where: string,
  { mtimeSeconds }: ListSettings,
): SourceContents {
  const sizeBytes = entries.reduce((sum, { file }) => sum + Number(file?.status.size ?? 0), 0);
  return {
    layers: [listLayer(where, entries, { seconds: mtimeSeconds, nanoseconds: 0 })],
    identity: undefined,
    parts: [{ name: where, sizeBytes }],
    order: entries.map(({ entry }) => entry.names),
  };
}

function listAt(path: string): string {
  const inside = join(path, LIST);
  const status = statOf(path);
  if (status?.isDirectory() === true && statOf(inside)?.isFile() === true) return inside;
  if (status?.isFile() === true) return path;
  // A FIFO would be waited for, by a process that no signal reaches meanwhile.
  if (status !== undefined && !status.isDirectory()) throw notRegular(path);
  const is = status === undefined ? "there is no such file" : `a directory without ${LIST}`;
  throw new WickError("SOURCE_NOT_FOUND", `Cannot read the list ${sanitise(path)}: ${is}`, {
    hint: `for a directory of files: dir:${sanitise(path)}`,
  });
}
