import { display } from "../../bytes/index.ts";
import type { ReadCpioEntry } from "../../formats/cpio/index.ts";
import { followLinks } from "../common/follow-links.ts";
import { PROGRAM_HEAD_BYTES } from "../common/program-architecture.ts";

/** A program's first bytes, which come in pieces; names of one file share them. */
interface Head {
  readonly pieces: Uint8Array[];
  sizeBytes: number;
}

/** What is known of an archive's names, at most: a machine's programs and links are fewer. */
const NAMES_MAX = 1 << 17;
const EXECUTABLE = 0o111;

/** The first bytes of an archive's programs and where its symlinks lead, as it goes by. */
export class ProgramHeads {
  readonly #names = new Map<string, Head | string>();
  /** By inode: of the archive's hard links one alone brings the data. */
  readonly #linked = new Map<string, Head>();
  #current: Head | undefined;

  entry(name: string, entry: ReadCpioEntry): void {
    this.#current = undefined;
    const isProgram = entry.kind === "file" && (entry.mode & EXECUTABLE) !== 0;
    if (this.#names.size >= NAMES_MAX || (!isProgram && entry.target === undefined)) {
      // What has this name now is neither.
      this.#names.delete(name);
      return;
    }
    if (entry.target !== undefined) {
      this.#names.set(name, display(entry.target));
      return;
    }
    this.#current = this.#headFor(entry);
    this.#names.set(name, this.#current);
  }

  data(chunk: Uint8Array): void {
    const head = this.#current;
    if (head === undefined || head.sizeBytes >= PROGRAM_HEAD_BYTES) return;
    const piece = Uint8Array.from(chunk.subarray(0, PROGRAM_HEAD_BYTES - head.sizeBytes));
    head.pieces.push(piece);
    head.sizeBytes += piece.length;
  }

  /** Hard links do not reach beyond an archive's end. */
  endArchive(): void {
    this.#linked.clear();
  }

  /** Of the program that `path` leads to. */
  headOf(path: string): Uint8Array | undefined {
    const names = this.#names;
    const real = followLinks(path, (at) => {
      const found = names.get(at);
      return typeof found === "string" ? found : undefined;
    });
    const head = real === undefined ? undefined : names.get(real);
    return head === undefined || typeof head === "string" ? undefined : Buffer.concat(head.pieces);
  }

  #headFor({ nlink, ino, device }: ReadCpioEntry): Head {
    if (nlink < 2) return { pieces: [], sizeBytes: 0 };
    const key = `${device.major}:${device.minor}:${ino}`;
    const head = this.#linked.get(key) ?? { pieces: [], sizeBytes: 0 };
    this.#linked.set(key, head);
    return head;
  }
}
