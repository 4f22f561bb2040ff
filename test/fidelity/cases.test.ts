/** The table of cases in cases.md names tests that exist. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const CASES = 80;

interface Row {
  readonly number: number;
  readonly file: string;
  readonly name: string;
}

function rowsOf(table: string): Row[] {
  const row = /^\| *(\d+) \|.*\| ([\w./-]+\.test\.ts): (.*?) *\|$/gm;
  return Array.from(table.matchAll(row), ([, number, file, name]) => ({
    number: Number(number),
    file: file!,
    name: name!,
  }));
}

/** A test's name may begin with the numbers of the threats that it is about: `A7: `. */
const THREATS = String.raw`(?:[A-Z]\d+(?:, | and )?)*(?:: )?`;

/** Rows whose file has no test of that name. */
const withoutTest = (rows: readonly Row[]): Row[] =>
  rows.filter(({ file, name }) => {
    const source = readFileSync(`${root}${file}`, "utf8");
    const literal = name.replace(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
    return !new RegExp(`(["\`])${THREATS}${literal}\\1,`).test(source);
  });

const table = readFileSync(new URL("cases.md", import.meta.url), "utf8");

test("each of the 80 cases has a test, and each test named in the table exists", () => {
  const rows = rowsOf(table);
  expect(rows).toHaveLength(table.match(/^\| *\d+ \|/gm)!.length);
  expect([...new Set(rows.map(({ number }) => number))]).toEqual(
    Array.from({ length: CASES }, (_, i) => i + 1),
  );
  expect(withoutTest(rows)).toEqual([]);
});

test("a test that does not exist would be found", () => {
  const row = { number: 1, file: "test/fidelity/cases.test.ts", name: "no such name" };
  expect(withoutTest([row])).toEqual([row]);
});
