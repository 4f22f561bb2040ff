import { display } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";

/** Longest part of a name that a message quotes, in bytes. */
const SHOWN_BYTES = 200;

/** Where in the archive the reader is, for messages. */
export class Where {
  /** The entry being read; undefined between entries. */
  name: Uint8Array | undefined;
  /** Byte of the archive at which the header being read begins. */
  offset = 0;

  invalid(problem: string): WickError {
    return new WickError("ARCHIVE_INVALID", `Cannot read ${this.toString()}: ${problem}`);
  }

  limit(problem: string, bound: string): WickError {
    return new WickError("ARCHIVE_LIMIT", `Cannot read ${this.toString()}: ${problem}`, {
      hint: `the bound is "${bound}" of the tar reader's limits; raise it if you trust the archive`,
    });
  }

  toString(): string {
    const place = `at byte ${this.offset} of the tar archive`;
    return this.name === undefined ? `the header ${place}` : `"${this.#shown()}" ${place}`;
  }

  #shown(): string {
    const name = this.name!;
    if (name.length <= SHOWN_BYTES) return display(name);
    return `${display(name.subarray(0, SHOWN_BYTES))}…`;
  }
}
