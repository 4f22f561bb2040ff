import { display } from "../bytes/index.ts";

const LF = 0x0a;
const CR = 0x0d;

/** Bounds of a {@link LineTail}: lines kept, and bytes kept of one line. */
export interface LineTailLimits {
  readonly lines: number;
  readonly lineBytes: number;
}

const DEFAULT_LIMITS: LineTailLimits = { lines: 50, lineBytes: 1024 };

/**
 * The last lines of a stream that somebody else writes: bounded, and made safe to show.
 * What exceeds `lineBytes` of one line is left out.
 */
export class LineTail {
  readonly #limits: LineTailLimits;
  readonly #complete: string[] = [];
  readonly #onLine: ((line: string) => void) | undefined;
  #partial: number[] = [];

  /** `onLine` sees every complete line, also those that the tail forgets. */
  constructor(limits: Partial<LineTailLimits> = {}, onLine?: (line: string) => void) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#onLine = onLine;
  }

  add(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      const newline = chunk.indexOf(LF, from);
      const to = newline < 0 ? chunk.length : newline;
      const room = this.#limits.lineBytes - this.#partial.length;
      if (room > 0) this.#partial.push(...chunk.subarray(from, Math.min(to, from + room)));
      if (newline >= 0) this.#endLine();
      from = to + 1;
    }
  }

  /** Oldest first; an unfinished last line counts. */
  lines(): readonly string[] {
    const partial = shown(this.#partial);
    return partial === "" ? [...this.#complete] : [...this.#complete, partial];
  }

  #endLine(): void {
    const line = shown(this.#partial);
    this.#partial = [];
    if (line === "") return;
    this.#complete.push(line);
    if (this.#complete.length > this.#limits.lines) this.#complete.shift();
    this.#onLine?.(line);
  }
}

/** Serial consoles end lines with CR LF: the CR is no part of the text. */
function shown(bytes: readonly number[]): string {
  const end = bytes.at(-1) === CR ? -1 : undefined;
  return display(Uint8Array.from(bytes.slice(0, end)));
}
