import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { errorCodes } from "../../src/errors/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

function testFiles(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && !name.endsWith("codes.test.ts"))
    .map((name) => join(root, directory, name));
}

test("docs/errors.md lists every code with its meaning, and no other", () => {
  const rows = [
    ...readFileSync(join(root, "docs/errors.md"), "utf8").matchAll(/^\| `(\w+)` +\| (.*?) +\|$/gm),
  ];
  const documented = Object.fromEntries(rows.map(([, code, meaning]) => [code, meaning]));
  expect(documented).toEqual(errorCodes);
});

test("every code is expected by some test", () => {
  const tests = [...testFiles("src"), ...testFiles("test")].map((file) =>
    readFileSync(file, "utf8"),
  );
  const unseen = Object.keys(errorCodes).filter(
    (code) => !tests.some((text) => text.includes(`"${code}"`)),
  );
  expect(unseen).toEqual([]);
});
