import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { lastingDirectory } from "../../test/support/temporary-directory.ts";

const stubs = fileURLToPath(new URL("stubs", import.meta.url));
const main = fileURLToPath(
  new URL("../../test/support/guest/join-command-line.c", import.meta.url),
);

let program: string;

beforeAll(() => {
  program = join(lastingDirectory(), "join");
  const flags = ["-std=gnu11", "-g", "-O1", "-fsanitize=address,undefined"];
  const more = ["-fno-sanitize-recover=all", "-Wall", "-Wextra", "-Werror", `-I${stubs}`];
  const sources = [main, join(stubs, "command-line.c")];
  execFileSync(process.env["CC"] ?? "cc", [...flags, ...more, "-o", program, ...sources]);
});

interface Given {
  readonly own: string | undefined;
  readonly room?: number;
}

/** What the kernel would be given for each of the loader's lines. */
function joinAll(lines: readonly Given[], built: { before?: string; after?: string }): string[] {
  const input = lines.flatMap(({ own, room = 2048 }) => [
    new Uint8Array(Uint32Array.of(room, own === undefined ? 0xffffffff : own.length).buffer),
    Buffer.from(own ?? "", "latin1"),
  ]);
  const { status, stdout, stderr } = spawnSync(program, [built.before ?? "", built.after ?? ""], {
    input: Buffer.concat(input),
    maxBuffer: 1 << 28,
  });
  expect(stderr.toString()).toBe("");
  expect(status).toBe(0);
  const results: string[] = [];
  for (let at = 0; at < stdout.length;) {
    const end = at + 4 + stdout.readUInt32LE(at);
    results.push(stdout.toString("latin1", at + 4, end));
    at = end;
  }
  expect(results.length).toBe(lines.length);
  return results;
}

const joined = (own: string | undefined, built: { before?: string; after?: string }) =>
  joinAll([{ own }], built)[0];

test("built-in options go before the loader's, built-in words behind them", () => {
  const both = { before: "a=1 ", after: "-- x y" };
  expect(joined("vmm=1", { before: "a=1 " })).toBe("a=1 vmm=1");
  expect(joined("vmm=1 -- own", { before: "a=1 " })).toBe("a=1 vmm=1 -- own");
  expect(joined("vmm=1", both)).toBe("a=1 vmm=1 -- x y");
  expect(joined("vmm=1 -- own", both)).toBe("a=1 vmm=1 -- x y own");
  expect(joined("-- own", both)).toBe("a=1 -- x y own");
  expect(joined("vmm=1 --", both)).toBe("a=1 vmm=1 -- x y");
  expect(joined('vmm="b -- c" -- own', both)).toBe('a=1 vmm="b -- c" -- x y own');
  expect(joined("vmm--=1 --x", both)).toBe("a=1 vmm--=1 --x -- x y");
});

test("with no line of the loader's there is the built-in one alone", () => {
  for (const own of [undefined, ""]) {
    expect(joined(own, { before: "a=1 " })).toBe("a=1 ");
    expect(joined(own, { after: "-- x" })).toBe("-- x");
    expect(joined(own, { before: "a=1 ", after: "-- x" })).toBe("a=1 -- x");
  }
});

test("a loader's line of any length is cut, and the built-in words are whole", () => {
  const built = { before: "first=1 ", after: "-- last" };
  for (const length of [2000, 2031, 2032, 2047, 2048, 5000]) {
    const line = joined("v".repeat(length), built)!;
    expect(line.length).toBeLessThanOrEqual(2047);
    expect(line).toMatch(/^first=1 v{2000,} -- last$/u);
    expect(joined("v".repeat(length), { before: "first=1 " })).toBe(
      `first=1 ${"v".repeat(length)}`.slice(0, 2047),
    );
  }
});

test("whatever the loader says, the line fits its room and has the built-in words in order", () => {
  const word = fc.constantFrom("--", "a", "b=1", '"', " ", "  ", "-", '"c d"', "x".repeat(40));
  const line = fc.array(word, { maxLength: 80 }).map((words) => words.join(" "));
  const own = fc.option(line, { nil: undefined });
  const given = fc.array(fc.record({ own, room: fc.integer({ min: 20, max: 2048 }) }), {
    maxLength: 50,
  });
  fc.assert(
    fc.property(given, (lines) => {
      for (const [i, text] of joinAll(lines, { before: "f=1 ", after: "-- l" }).entries()) {
        expect(text.length).toBeLessThan(lines[i]!.room);
        expect(text).toMatch(/^f=1 .*-- l/u);
      }
    }),
    { numRuns: 20 },
  );
});
