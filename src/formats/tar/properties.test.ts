import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isWickError } from "../../errors/index.ts";
import { manifestOfTree, unpack } from "../../../test/support/manifest.ts";
import {
  archive,
  file,
  header,
  long,
  pax,
  repairChecksum,
} from "../../../test/support/tar-builder.ts";

const name = fc.string({ minLength: 1, maxLength: 2, unit: fc.constantFrom("a", "b") });
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const contents = fc.uint8Array({ maxLength: 1500 });

/** Any entry, with long names and pax records in front of some. */
const part = fc.oneof(
  fc.tuple(path, contents).map(([at, bytes]) => file(at, bytes)),
  path.map((at) => header({ name: `${at}/`, typeflag: "5", mode: 0o750 })),
  fc.tuple(path, path).map(([at, to]) => header({ name: at, typeflag: "2", linkname: to })),
  fc.tuple(path, path).map(([at, to]) => header({ name: at, typeflag: "1", linkname: to })),
  fc
    .tuple(path, contents)
    .map(([at, bytes]) => Buffer.concat([long("L", at), file("short", bytes)])),
  fc.tuple(path, contents, fc.uint8Array({ maxLength: 600 })).map(([at, bytes, value]) =>
    Buffer.concat([
      pax([
        ["path", at],
        ["size", String(bytes.length)],
        ["SCHILY.xattr.user.x", value],
      ]),
      file("short", bytes, { size: 0 }),
    ]),
  ),
  fc.tuple(path, contents).map(([at, bytes]) => {
    const payload = Buffer.concat([
      Buffer.from(`1\n700\n${bytes.length}\n`.padEnd(512, "\0")),
      bytes,
    ]);
    return Buffer.concat([
      pax([
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
        ["GNU.sparse.name", at],
        ["GNU.sparse.realsize", "3000"],
      ]),
      file("short", payload),
    ]);
  }),
);

/** What comes of an archive: the tree as lines and the warnings, or the error. */
function outcome(bytes: Uint8Array, chunkBytes: number): readonly string[] {
  try {
    const { tree, sink, warnings } = unpack(bytes, { chunkBytes });
    return [...manifestOfTree(tree, sink), ...warnings];
  } catch (error) {
    if (!isWickError(error) || error.code === "INTERNAL") throw error;
    return [`${error.code} ${error.message}`];
  }
}

test("the tree and the error are the same however the archive is cut into chunks", () => {
  const parts = fc.array(part, { minLength: 1, maxLength: 6 });
  let trees = 0;
  fc.assert(
    fc.property(parts, fc.integer({ min: 1, max: 1600 }), (chosen, chunkBytes) => {
      const bytes = archive(...chosen);
      const whole = outcome(bytes, bytes.length);
      expect(outcome(bytes, chunkBytes)).toEqual(whole);
      expect(outcome(bytes, 1)).toEqual(whole);
      if (whole[0]!.startsWith("/|directory")) trees++;
    }),
    { seed: 7, numRuns: 150 },
  );
  expect(trees).toBeGreaterThan(50);
});

test("a cut at every byte of an archive gives the same tree", () => {
  const bytes = archive(
    pax([["SCHILY.xattr.user.x", "v\n"]]),
    file("a", "contents"),
    long("K", "t".repeat(600)),
    header({ name: "l", typeflag: "2" }),
  );
  const whole = outcome(bytes, bytes.length);
  for (let chunkBytes = 1; chunkBytes < bytes.length; chunkBytes++) {
    expect(outcome(bytes, chunkBytes)).toEqual(whole);
  }
});

test("mutated archives give a tree or an error of wick's, and never hang", () => {
  const parts = fc.array(part, { minLength: 1, maxLength: 5 });
  const mutation = fc.record({ at: fc.nat(), byte: fc.nat(255), repair: fc.boolean() });
  const codes = new Set<string>();
  fc.assert(
    fc.property(parts, fc.array(mutation, { minLength: 1, maxLength: 8 }), (chosen, mutations) => {
      const bytes = new Uint8Array(archive(...chosen));
      for (const { at, byte, repair } of mutations) {
        const position = at % bytes.length;
        bytes[position] = byte;
        if (repair) repairChecksum(bytes.subarray(position - (position % 512)));
      }
      codes.add(outcome(bytes, 1000)[0]!.split(" ")[0]!);
    }),
    { seed: 11, numRuns: 2000 },
  );
  expect([...codes].join()).toContain("ARCHIVE_INVALID");
  expect([...codes].join()).toContain("/|directory");
});

test("random bytes are no archive", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 4000 }), (bytes) => {
      expect(outcome(bytes, 700)[0]).toMatch(/^(ARCHIVE_INVALID|\/\|directory)/);
    }),
    { seed: 5, numRuns: 300 },
  );
});
