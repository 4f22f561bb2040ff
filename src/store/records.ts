import { utf8 } from "../bytes/index.ts";
import { publish, readSmallFile, statOf } from "../host/index.ts";

/** A record holds facts of an image, packages by name among them. */
const RECORD_MAX_BYTES = 16 << 20;

/** Writes a small JSON file that is whole or absent, for its user alone. */
export async function writeRecord(path: string, record: object): Promise<void> {
  const bytes = utf8(`${JSON.stringify(record)}\n`);
  await publish(path, (storage) => storage.writeAt(bytes, 0), { mode: 0o600 });
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
