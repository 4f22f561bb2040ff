/** For tests: a visitor that writes down what a layer plays. */
import { createHash } from "node:crypto";
import { display } from "../../src/bytes/index.ts";
import type { Entry, Layer, LayerVisitor } from "../../src/tree/index.ts";

/** One entry as it was played; `contents` is the sha256 of a file's bytes, holes as zeros. */
export interface Played {
  readonly path: string;
  readonly line: string;
  readonly entry: Entry;
  readonly contents: string;
  readonly sizeBytes: number;
}

/** Everything a layer played, in order, and its warnings. */
export interface Recording {
  readonly entries: readonly Played[];
  readonly warnings: readonly string[];
}

/** Plays a layer and writes it down. */
export async function record(layer: Layer, signal?: AbortSignal): Promise<Recording> {
  const entries: Played[] = [];
  const warnings: string[] = [];
  let current: { entry: Entry; hash: ReturnType<typeof createHash>; size: number } | undefined;
  const flush = (): void => {
    if (current === undefined) return;
    const { entry, hash, size } = current;
    current = undefined;
    const contents = entry.type === "file" ? hash.digest("hex") : "";
    entries.push({
      path: display(entry.path),
      line: lineOf(entry),
      entry,
      contents,
      sizeBytes: size,
    });
  };
  const visitor: LayerVisitor = {
    entry(entry) {
      flush();
      // Names are only lent.
      const own = { ...entry, path: entry.path.slice(), xattrs: [...entry.xattrs] };
      current = { entry: own, hash: createHash("sha256"), size: 0 };
    },
    data(chunk) {
      current!.hash.update(chunk);
      current!.size += chunk.length;
    },
    hole(lengthBytes) {
      const zeros = new Uint8Array(1 << 16);
      for (let left = lengthBytes; left > 0; left -= zeros.length) {
        current!.hash.update(zeros.subarray(0, Math.min(left, zeros.length)));
      }
      current!.size += lengthBytes;
    },
    endFile: flush,
    warn: (message) => void warnings.push(message),
  };
  await layer.play(visitor, signal);
  flush();
  return { entries, warnings };
}

/** `type mode uid:gid seconds.ns path[ -> target][ major:minor][ {xattrs}]`, the path plain. */
function lineOf(entry: Entry): string {
  const { type, mode, uid, gid, mtime, path, target, rdev } = entry;
  const plain = display(path)
    .replace(/^\.\//, "")
    .replace(/(.)\/$/, "$1");
  const time = `${mtime.seconds}.${String(mtime.nanoseconds).padStart(9, "0")}`;
  const link =
    target === undefined
      ? ""
      : ` -> ${type === "hardlink" ? display(target).replace(/^\.\//, "") : display(target)}`;
  const device = rdev === undefined ? "" : ` ${rdev.major}:${rdev.minor}`;
  const xattrs = entry.xattrs
    .map(({ name, value }) => `${display(name)}=${Buffer.from(value).toString("hex")}`)
    .sort();
  const attributes = xattrs.length === 0 ? "" : ` {${xattrs.join(" ")}}`;
  return `${type} ${mode.toString(8)} ${uid}:${gid} ${time} ${plain || "."}${link}${device}${attributes}`;
}
