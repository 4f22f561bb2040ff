import { createHash, type Hash } from "node:crypto";
import type { Entry, LayerVisitor } from "../../tree/index.ts";

/**
 * A visitor that passes everything on and digests it: what identifies a layer whose source
 * cannot say beforehand what it holds.
 */
export class ContentDigest implements LayerVisitor {
  readonly #next: LayerVisitor;
  readonly #hash: Hash = createHash("sha256");

  constructor(next: LayerVisitor) {
    this.#next = next;
  }

  /** Of all that passed. */
  hex(): string {
    return this.#hash.copy().digest("hex");
  }

  entry(entry: Entry): void {
    this.#hash.update(entryLine(entry));
    this.#next.entry(entry);
  }

  data(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#next.data(chunk);
  }

  hole(lengthBytes: number): void {
    this.#hash.update(`hole ${lengthBytes}\n`);
    this.#next.hole(lengthBytes);
  }

  endFile(): void {
    this.#next.endFile();
  }

  warn(message: string): void {
    this.#next.warn(message);
  }
}

/** All fields of an entry as one line; byte strings in hex, so that none runs into the next. */
function entryLine(entry: Entry): string {
  const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");
  const { mtime, rdev, xattrs } = entry;
  const numbers = [entry.mode, entry.uid, entry.gid, entry.size, mtime.seconds, mtime.nanoseconds];
  const device = rdev === undefined ? "-" : `${rdev.major}:${rdev.minor}`;
  const attributes = xattrs.map(({ name, value }) => `${hex(name)}=${hex(value)}`).join(",");
  return `${entry.type} ${hex(entry.path)} ${hex(entry.target)} ${numbers.join(" ")} ${device} ${attributes}\n`;
}
