import * as fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { Names } from "./names.ts";

/** The plainest model: a Map of Maps. */
class Model {
  readonly directories = new Map<number, Map<string, number>>();

  names(directory: number): Map<string, number> {
    const known = this.directories.get(directory) ?? new Map<string, number>();
    this.directories.set(directory, known);
    return known;
  }

  list(directory: number): [string, number][] {
    return [...this.names(directory)].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

const operation = fc.record({
  what: fc.constantFrom("put", "put", "put", "remove", "removeAll"),
  directory: fc.integer({ min: 0, max: 3 }),
  name: fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("a", "b", ".", "~") }),
  ino: fc.nat(1000),
});

test("names behave as a map of maps whatever is added, replaced and removed", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const names = new Names();
      const model = new Model();
      for (const { what, directory, name, ino } of operations) {
        const entries = model.names(directory);
        if (what === "put") {
          if (entries.has(name)) names.replace(directory, utf8(name), ino);
          else names.add(directory, utf8(name), ino);
          entries.set(name, ino);
        } else if (what === "removeAll") {
          expect(names.removeAll(directory).sort()).toEqual([...entries.values()].sort());
          entries.clear();
        } else if (entries.delete(name)) {
          names.remove(directory, utf8(name));
        }
        expect(names.lookup(directory, utf8(name))).toBe(entries.get(name) ?? -1);
      }
      for (const directory of [0, 1, 2, 3]) {
        const listed = names.list(directory).map((e) => [Buffer.from(e.name).toString(), e.ino]);
        expect(listed).toEqual(model.list(directory));
        expect(names.isEmpty(directory)).toBe(listed.length === 0);
      }
      expect(names.count).toBe([0, 1, 2, 3].flatMap((d) => model.list(d)).length);
    }),
    { seed: 3, numRuns: 300 },
  );
});

test("names are found after the table has grown many times, the removed ones are not", () => {
  const names = new Names();
  const name = (i: number): Uint8Array => utf8(`name ${i}`);
  for (let i = 0; i < 50_000; i++) names.add(i % 7, name(i), i);
  for (let i = 0; i < 50_000; i += 3) names.remove(i % 7, name(i));
  for (let i = 50_000; i < 90_000; i++) names.add(i % 7, name(i), i);
  const wrong: number[] = [];
  for (let i = 0; i < 90_000; i++) {
    const removed = i < 50_000 && i % 3 === 0;
    if (names.lookup(i % 7, name(i)) !== (removed ? -1 : i)) wrong.push(i);
    if (names.lookup((i + 1) % 7, name(i)) !== -1) wrong.push(i);
  }
  expect(wrong).toEqual([]);
});

/** FNV-1a as names.ts has it, without the folding: enough to make names of one hash. */
function fnv(directory: number, name: Uint8Array): number {
  let hash = Math.imul(directory ^ 0x811c9dc5, 0x01000193);
  for (const byte of name) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

test("names made to share one hash are found, replaced and removed", () => {
  const colliding: Uint8Array[] = [];
  for (let i = 0; colliding.length < 200; i++) {
    const name = utf8(i.toString(36));
    if ((fnv(0, name) & 1023) === 5) colliding.push(name);
  }
  const names = new Names();
  for (const [i, name] of colliding.entries()) names.add(0, name, i);
  for (const [i, name] of colliding.entries()) expect(names.lookup(0, name)).toBe(i);
  for (const name of colliding) names.replace(0, name, 7);
  for (const name of colliding.slice(50)) names.remove(0, name);
  expect(names.list(0).map((e) => e.ino)).toEqual(Array.from({ length: 50 }, () => 7));
  for (const name of colliding.slice(50)) expect(names.lookup(0, name)).toBe(-1);
});
