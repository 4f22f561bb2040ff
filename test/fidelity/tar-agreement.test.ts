/**
 * Two readers that see different entries in one archive are how files get smuggled past a
 * check. Whatever wick accepts, GNU tar must list without complaint, entry for entry.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isWickError } from "../../src/errors/index.ts";
import { TarReader } from "../../src/formats/tar/index.ts";
import type { Entry } from "../../src/tree/index.ts";
import { archive, file, header, long, pax, type Bytes } from "../support/tar-builder.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const letters: Record<Entry["type"], string> = {
  file: "-",
  directory: "d",
  symlink: "l",
  hardlink: "h",
  char: "c",
  block: "b",
  fifo: "p",
  socket: "s",
};

/** Stands for an entry of a type that neither of the two knows. */
const LEFT_OUT = "?";

/** As GNU tar's `--quoting-style=escape` in the C locale. */
function escape(bytes: Uint8Array): string {
  const named: Record<number, string> = {
    7: "a",
    8: "b",
    9: "t",
    10: "n",
    11: "v",
    12: "f",
    13: "r",
    92: "\\",
  };
  return Array.from(bytes, (byte) => {
    if (named[byte] !== undefined) return `\\${named[byte]}`;
    if (byte < 0x20 || byte > 0x7e) return `\\${byte.toString(8).padStart(3, "0")}`;
    return String.fromCharCode(byte);
  }).join("");
}

/** A directory's name with or without its slash is one name. */
function withoutSlash(type: string, path: string): string {
  return type.startsWith("d") ? path.replace(/\/+$/, "") : path;
}

function lineOf(entry: Entry): string {
  const { type, rdev, target } = entry;
  const size = rdev === undefined ? String(entry.size) : `${rdev.major},${rdev.minor}`;
  const arrow = type === "symlink" ? " -> " : " link to ";
  const end = target === undefined ? "" : arrow + escape(target);
  return `${letters[type]} ${entry.uid}/${entry.gid} ${size} ${withoutSlash(type, escape(entry.path))}${end}`;
}

/** Wick's entries as lines, or undefined when it refuses the archive. */
function ours(bytes: Uint8Array): string[] | undefined {
  const lines: string[] = [];
  const nothing = (): void => undefined;
  const entry = (one: Entry): void => void lines.push(lineOf(one));
  const warn = (): void => void lines.push(LEFT_OUT);
  const reader = new TarReader({ entry, data: nothing, hole: nothing, endFile: nothing, warn });
  try {
    reader.push(bytes);
    reader.end();
    return lines;
  } catch (error) {
    if (!isWickError(error)) throw error;
    return undefined;
  }
}

/** GNU tar's, in the same form; undefined when it complains. */
function gnuTars(bytes: Uint8Array): string[] | undefined {
  const path = join(temporaryDirectory(), "a.tar");
  writeFileSync(path, bytes);
  const args = ["-tvP", "--numeric-owner", "--full-time", "--quoting-style=escape", "-f", path];
  const { status, stdout } = spawnSync("tar", args, {
    encoding: "latin1",
    env: { ...process.env, LC_ALL: "C" },
  });
  if (status !== 0) return undefined;
  return stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const match = /^(.)\S+ (\d+\/\d+) +(\d+(?:,\d+)?) \S+ \S+ (.*)$/.exec(line);
      if (match === null || match[1] === LEFT_OUT) return match === null ? line : LEFT_OUT;
      const [, first = "", owner = "", size = "", rest = ""] = match;
      const letter = first === "C" ? "-" : first;
      // It repeats whatever size the header of a link or directory has.
      return `${letter} ${owner} ${letter === "-" || size.includes(",") ? size : "0"} ${withoutSlash(letter, rest)}`;
    });
}

const name = fc.string({ minLength: 1, maxLength: 3, unit: fc.constantFrom("a", "b", "/", ".") });
const numbers = fc.constantFrom("0", "5", "512", "1024", "-1", "", "07", "99999999999");
const contents = fc.constantFrom<Bytes>("", "x", "y".repeat(512), archive(file("hidden", "h")));
const records = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom("path", "linkpath", "GNU.sparse.name"), name),
    fc.tuple(
      fc.constantFrom("size", "uid", "gid", "GNU.sparse.size", "GNU.sparse.realsize"),
      numbers,
    ),
    fc.tuple(fc.constantFrom("GNU.sparse.major", "GNU.sparse.minor"), fc.constantFrom("0", "1")),
    fc.tuple(
      fc.constantFrom("GNU.sparse.map", "GNU.sparse.numblocks"),
      fc.constantFrom("0,512", "1", ""),
    ),
  ),
  { minLength: 1, maxLength: 3 },
);
/** Not 2 to 6 but 5: GNU tar skips their stated size when it lists, not when it extracts. */
const typeflag = fc.constantFrom("0", "0", "0", "\0", "7", "1", "5", "S", "D");

/** Parts put together without thought for what may follow what. */
const part = fc.oneof(
  fc.tuple(name, contents, typeflag).map(([at, bytes, type]) => {
    const bare = type === "0" || type === "\0" || type === "7" || type === "D";
    return file(at, bare ? bytes : "", {
      typeflag: type,
      linkname: "to",
      format: type === "S" ? "gnu" : "ustar",
    });
  }),
  records.map((list) => pax(list)),
  records.map((list) => pax(list, "g")),
  fc.tuple(fc.constantFrom("L", "K"), name).map(([type, at]) => long(type as "L" | "K", at)),
  fc.constant(header({ name: "size", size: 512 })),
  fc.constant(new Uint8Array(512)),
);

test("A7: whatever wick accepts of archives in disorder, GNU tar lists entry for entry", () => {
  let accepted = 0;
  const stack = fc.array(part, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(stack, (parts) => {
      const bytes = archive(...parts);
      const lines = ours(bytes);
      if (lines === undefined) return;
      accepted++;
      expect(lines).toEqual(gnuTars(bytes));
    }),
    { seed: 13, numRuns: 1200 },
  );
  expect(accepted).toBeGreaterThan(200);
});

test("A7: whatever wick accepts of mutated archives, GNU tar lists entry for entry", () => {
  const start = archive(
    file("a", "x".repeat(600)),
    pax([
      ["path", "renamed"],
      ["size", "512"],
      ["uid", "7"],
    ]),
    file("b", "y".repeat(512)),
    long("L", "n".repeat(120)),
    file("c", "z"),
    pax([
      ["GNU.sparse.size", "2000"],
      ["GNU.sparse.numblocks", "1"],
      ["GNU.sparse.map", "512,512"],
    ]),
    file("d", "s".repeat(512)),
    header({ name: "e", typeflag: "1", linkname: "a" }),
  );
  const mutation = fc.tuple(
    fc.nat(start.length - 1025),
    fc.constantFrom(0, 0x20, 0x30, 0x31, 0x35, 0x37, 0x80, 0xff),
  );
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
      const bytes = new Uint8Array(start);
      for (const [at, byte] of mutations) {
        bytes[at] = byte;
        const block = bytes.subarray(at - (at % 512), at - (at % 512) + 512);
        if (block[257] === 0x75) repairChecksum(block);
      }
      const lines = ours(bytes);
      if (lines === undefined) return;
      accepted++;
      expect(lines).toEqual(gnuTars(bytes));
    }),
    { seed: 17, numRuns: 600 },
  );
  expect(accepted).toBeGreaterThan(100);
});

function repairChecksum(block: Uint8Array): void {
  let sum = 8 * 0x20;
  for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += block[i]!;
  block.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

test("the comparison finds an entry that one of the two does not see", () => {
  const bytes = archive(file("a"), file("b"));
  expect(gnuTars(bytes)).toEqual(ours(bytes));
  const cut = archive(file("a"));
  expect(gnuTars(bytes)).not.toEqual(ours(cut));
});
