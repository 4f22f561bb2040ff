import { utf8 } from "../bytes/index.ts";
import { publish, readSmallFile, removePath, statOf } from "../host/index.ts";

/** A record holds facts of an image, packages by name among them. */
const RECORD_MAX_BYTES = 16 << 20;

/**
 * Writes a small JSON file that is whole or absent, for its user alone. Unless it `lasts` a power
 * cut may leave nothing of it: to wait for the disk here is to wait for all that was written
 * before, as ext4 orders it.
 */
export async function writeRecord(
  path: string,
  record: object,
  { lasts = true }: { readonly lasts?: boolean } = {},
): Promise<void> {
  const bytes = utf8(`${JSON.stringify(record)}\n`);
  const mustLast = (): boolean => lasts;
  // ext4 brings a file to the disk that is renamed over another, behind all that waits there.
  if (!lasts) removePath(path);
  await publish(path, (storage) => storage.writeAt(bytes, 0), { mode: 0o600, mustLast });
}

/** What the JSON file at `path` holds; undefined when there is none, or it holds something else. */
export function readRecord(path: string): unknown {
  if (statOf(path) === undefined) return undefined;
  const text = Buffer.from(readSmallFile(path, RECORD_MAX_BYTES)).toString();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
