import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { cacheOf, runScript } from "./run-script.ts";

const work = mkdtempSync(join(tmpdir(), "wick-test-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

function write(name: string, text: string): string {
  writeFileSync(join(work, name), text);
  return join(work, name);
}

test("a script and those beside it run once each, also in a circle, and Node's own are there", () => {
  const main = write(
    "main.cjs",
    `exports.path = require("node:path").basename(__filename);
exports.part = require("./part.cjs").name;
exports.again = require("./part.cjs") === require("./part.cjs");`,
  );
  write("part.cjs", 'exports.name = "part"; exports.early = require("./main.cjs").path;');
  const modules = runScript(main);
  expect([...modules.values()].map(({ exports }) => exports)).toEqual([
    { path: "main.cjs", part: "part", again: true },
    { name: "part", early: "main.cjs" },
  ]);
});

test("code that was kept is used; rubbish in its place changes nothing", () => {
  const rubbish = [Buffer.alloc(0), Buffer.from("rubbish"), Buffer.alloc(1 << 16, 1)];
  for (const [i, bytes] of rubbish.entries()) {
    // A text of its own: V8 remembers what it has compiled in this process.
    const file = write(`kept-${i}.cjs`, `exports.answer = ${i} + [6, 7].reduce((a, b) => a * b);`);
    const run = () => [...runScript(file).values()][0]!;
    writeFileSync(cacheOf(file), run().script.createCachedData());
    expect(run().script.cachedDataRejected).toBe(false);
    writeFileSync(cacheOf(file), bytes);
    expect(run().exports).toEqual({ answer: 42 + i });
  }
});

test("the bundled command imports nothing by import(), which a script of vm's cannot", () => {
  const bin = fileURLToPath(new URL("../../dist/bin", import.meta.url));
  const files = readdirSync(bin).filter((name) => name.endsWith(".cjs"));
  const importing = files.filter((name) =>
    /\bimport\(/.test(readFileSync(join(bin, name), "utf8")),
  );
  expect(files.length).toBeGreaterThan(5);
  expect(importing).toEqual([]);
});

test("what the command starts with was kept for this Node, with the flags of its first line", () => {
  const bin = fileURLToPath(new URL("../../dist/bin", import.meta.url));
  const [line] = readFileSync(join(bin, "wick.cjs"), "utf8").split("\n");
  const flags = line!.split(" ").filter((word) => word.startsWith("--max"));
  const script = `
    const { readFileSync } = require("node:fs");
    const head = "(function (exports, require, module, __filename, __dirname) {";
    for (const file of process.argv.slice(1)) {
      const source = head + readFileSync(file, "utf8") + "\\n})";
      const cachedData = readFileSync(file + ".cache");
      console.log(new (require("node:vm").Script)(source, { cachedData }).cachedDataRejected);
    }`;
  const kept = readdirSync(bin).filter((name) => name.endsWith(".cache"));
  expect(kept.length).toBeGreaterThan(5);
  const files = kept.map((name) => join(bin, name.replace(/\.cache$/, "")));
  const check = (options: readonly string[]): Set<string> =>
    new Set(
      execFileSync(process.execPath, [...options, "-e", script, "--", ...files], {
        encoding: "utf8",
      })
        .trim()
        .split("\n"),
    );
  expect(check(flags)).toEqual(new Set(["false"]));
  expect(check(["--no-lazy"])).toEqual(new Set(["true"]));
});
