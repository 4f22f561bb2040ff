/** One challenge of a WWW-Authenticate header (RFC 9110 11.6.1). */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By their names in lower case; of a name given twice the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** More than any registry sends; the rest is not looked at. */
const HEADER_MAX = 8192;
const CHALLENGES_MAX = 16;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(
  `(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))`,
  "y",
);
const SCHEME = new RegExp(`(${TOKEN})(?=[ \\t]|,|$)`, "y");
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const GAP = /[ \t,]*/y;

/** Reads a header's challenges; what is malformed ends the reading, and what came before stays. */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, HEADER_MAX);
  const reader = new Reader(text);
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  reader.take(GAP);
  while (!reader.atEnd && found.length < CHALLENGES_MAX) {
    const last = found.at(-1);
    const parameter = last === undefined ? undefined : reader.take(PARAMETER);
    if (parameter !== undefined) {
      const name = parameter[1]!.toLowerCase();
      const value = parameter[3] ?? parameter[2]!.replace(/\\(.)/g, "$1");
      if (!last!.parameters.has(name)) last!.parameters.set(name, value);
    } else {
      const scheme = reader.take(SCHEME);
      if (scheme === undefined) break;
      found.push({ scheme: scheme[1]!.toLowerCase(), parameters: new Map() });
      reader.skipToken68();
    }
    reader.take(GAP);
  }
  return found;
}

/** A position in a text, moved on by sticky patterns. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }

  /** `Negotiate dG9rZW4=`: one value in place of parameters. */
  skipToken68(): void {
    const from = this.#at;
    this.take(/[ \t]+/y);
    // A scheme alone, followed by a comma and the next scheme, has none.
    if (this.#at === from || this.take(TOKEN68) === undefined) this.#at = from;
  }
}
