/** For tests: generated lists of the kernel's gen_init_cpio, beside the files that they name. */
import * as fc from "fast-check";

/** Files of the host by name and size; their contents do not matter. */
export const listedFiles: Readonly<Record<string, number>> = {
  empty: 0,
  one: 1,
  three: 3,
  four: 4,
  odd: 511,
  "two words": 70_001,
};

/** Words in which a location is written, with the variables that stand in some. */
const locations = ["empty", "./one", "three", "four", "odd", "${SPACED}"];
export const listVariables = { SPACED: "two words" } as const;

/** Any byte of a name but what ends it or divides it. */
const byte = fc.integer({ min: 0x21, max: 0xff }).filter((value) => value !== 0x2f);
const word = fc
  .oneof(
    { weight: 6, arbitrary: fc.array(byte, { minLength: 1, maxLength: 9 }) },
    { weight: 1, arbitrary: fc.array(byte, { minLength: 250, maxLength: 255 }) },
  )
  .map((bytes) => Buffer.from(bytes).toString("latin1"))
  .filter((text) => text !== "." && text !== "..");

const id = fc.oneof(fc.nat(70_000), fc.constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1));
const entry = fc.record({
  type: fc.constantFrom("file", "file", "dir", "dir", "dir", "nod", "slink", "pipe", "sock"),
  /** Which of the directories so far it lies in; some are nowhere in the list. */
  parent: fc.nat(20),
  name: word,
  start: fc.constantFrom("/", "/", "", "./", "/./"),
  links: fc.array(word, { maxLength: 3 }),
  target: word,
  location: fc.constantFrom(...locations),
  mode: fc.nat(0o7777),
  zeros: fc.nat(3),
  uid: id,
  gid: id,
  device: fc.tuple(fc.constantFrom("b", "c"), fc.nat(4095), fc.nat(2 ** 20 - 1)),
  gap: fc.constantFrom(" ", " ", "\t", "  \t"),
  before: fc.constantFrom("", "", "", "# a comment\n", "\n", " \t\n", "#\n"),
});

type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never;

/** A list as latin1 text: its bytes need not be UTF-8. */
export const generatedList: fc.Arbitrary<string> = fc
  .array(entry, { minLength: 1, maxLength: 40, size: "max" })
  .map((entries) => new ListMaker().make(entries));

class ListMaker {
  readonly #directories = ["", "not-listed/", "dev/"];
  readonly #names = new Set<string>(["not-listed", "dev"]);

  make(entries: readonly Entry[]): string {
    return entries.map((each) => this.#line(each)).join("");
  }

  #line(from: Entry): string {
    const { type, parent, start, mode, zeros, uid, gid, gap, before } = from;
    const directory = this.#directories[parent % this.#directories.length]!;
    const name = this.#free(directory + from.name);
    if (name === undefined) return before;
    if (type === "dir") this.#directories.push(`${name}/`);
    const owner = [`${"0".repeat(zeros)}${mode.toString(8)}`, uid, gid];
    const middle = type === "file" ? [from.location] : type === "slink" ? [from.target] : [];
    const links = type === "file" ? this.#links(directory, from.links) : [];
    const end = type === "nod" ? from.device : links;
    return `${before}${[type, start + name, ...middle, ...owner, ...end].join(gap)}\n`;
  }

  #links(directory: string, words: readonly string[]): string[] {
    return words.flatMap((text) => {
      const name = this.#free(directory + text);
      return name === undefined ? [] : [`/${name}`];
    });
  }

  #free(name: string): string | undefined {
    if (this.#names.has(name)) return undefined;
    this.#names.add(name);
    return name;
  }
}
