import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { grow, plan } from "../../../test/support/generated-trees.ts";
import { FIXED_FIELDS } from "../../../test/support/manifest-line.ts";
import { manifestOfTree, unpack } from "../../../test/support/manifest.ts";
import { random, trees } from "../../../test/support/sample-trees.ts";
import { TreeMaker, xattr } from "../../../test/support/tree-maker.ts";
import { utf8 } from "../../bytes/index.ts";
import { MemorySink, Tree } from "../../tree/index.ts";
import { encodeTarHeader } from "./header-writer.ts";
import { writeTar } from "./writer.ts";

interface Written {
  readonly tree: Tree;
  readonly sink: MemorySink;
  readonly bytes: Buffer;
  readonly warnings: readonly string[];
}

function write(fill: (make: TreeMaker) => void): Written {
  const sink = new MemorySink();
  const make = new TreeMaker(sink);
  fill(make);
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const bytes = Buffer.concat([...writeTar(make.tree, sink, { warn })]);
  return { tree: make.tree, sink, bytes, warnings };
}

/** Lines of a tree without its sockets, which no archive holds. */
const linesOf = ({ tree, sink }: Pick<Written, "tree" | "sink">): string[] =>
  manifestOfTree(tree, sink)
    .filter((line) => !/^[^|]*\|socket\|/.test(line))
    .map((line) => line.split("|"))
    .map((fields) =>
      [...fields.slice(0, FIXED_FIELDS), ...fields.slice(FIXED_FIELDS).sort()].join("|"),
    );

for (const [name, fill] of Object.entries(trees)) {
  test(`the tree "${name}" comes back from a tar archive as it was`, () => {
    const written = write(fill);
    expect(linesOf(unpack(written.bytes))).toEqual(linesOf(written));
    expect(written.bytes.length % 512).toBe(0);
  });
}

test("every generated tree comes back from a tar archive, and has the same bytes twice", () => {
  fc.assert(
    fc.property(plan, (nodes) => {
      const written = write((make) => grow(make, nodes));
      expect(linesOf(unpack(written.bytes))).toEqual(linesOf(written));
      expect(Buffer.compare(write((make) => grow(make, nodes)).bytes, written.bytes)).toBe(0);
    }),
    { numRuns: 30 },
  );
});

function plain(make: TreeMaker): void {
  const directory = make.directory(Tree.ROOT, "d".repeat(120), { uid: 3_000_000_000 });
  const file = make.file(directory, "file", random(1000), { mode: 0o4755 });
  make.link(Tree.ROOT, "z link", file);
  make.symlink(Tree.ROOT, "symlink", "t".repeat(300));
  make.special(Tree.ROOT, "device", "block", { major: 300, minor: 70_000 });
  make.file(Tree.ROOT, "old", "x", { mtime: { seconds: -2, nanoseconds: 500_000_000 } });
}

test.each(["tar", "bsdtar"])(
  "%s lists what was written, parents and link targets first",
  (tool) => {
    const { bytes } = write(plain);
    const text = execFileSync(tool, ["-tf", "-"], { input: bytes, encoding: "utf8" });
    const long = "d".repeat(120);
    expect(text.split("\n")).toEqual([
      "./",
      `${long}/`,
      `${long}/file`,
      "device",
      "old",
      "symlink",
      "z link",
      "",
    ]);
  },
);

test("tar tells owners, modes, devices, links and times as they were", () => {
  const { bytes } = write(plain);
  const args = ["-tvf", "-", "--full-time", "--numeric-owner"];
  const text = execFileSync("tar", args, { input: bytes, encoding: "utf8", env: { TZ: "UTC" } });
  expect(text).toMatch(/^drwxr-xr-x 3000000000\/0 .* d{120}\/$/m);
  expect(text).toMatch(/^-rwsr-xr-x 0\/0 +1000 2001-09-09 01:46:40\.123456789 d{120}\/file$/m);
  expect(text).toMatch(/^brw-r--r-- 0\/0 +300,70000 /m);
  expect(text).toMatch(/^h.* z link link to d{120}\/file$/m);
  // As GNU tar writes this time itself (it shows it one second later than it unpacks it).
  expect(bytes.toString("latin1")).toContain(" mtime=-1.500000000\n");
  expect(text).toMatch(/^l.* symlink -> t{300}$/m);
});

test("tar, the oracle above, refuses an archive with one changed header byte", () => {
  const { bytes } = write(plain);
  bytes[3] = bytes[3]! ^ 1;
  expect(() => execFileSync("tar", ["-tf", "-"], { input: bytes, stdio: "pipe" })).toThrow();
});

test("a file of 8 GiB and more has its size in an extended header", () => {
  const header = {
    path: utf8("big"),
    type: "file",
    mode: 0o644,
    uid: 0,
    gid: 0,
    xattrs: [],
  } as const;
  const mtime = { seconds: 0, nanoseconds: 0 };
  const small = encodeTarHeader({ ...header, mtime, size: 2 ** 33 - 1 });
  const large = encodeTarHeader({ ...header, mtime, size: 2 ** 33 });
  expect(small.length).toBe(512);
  expect(large.length).toBe(3 * 512);
  expect(Buffer.from(large).toString("latin1")).toContain("19 size=8589934592\n");
});

test("attributes are SCHILY.xattr records, = and % of their names escaped", () => {
  const xattrs = [xattr("user.a=b%c", "v\n=\0")];
  const written = write((make) => make.file(Tree.ROOT, "f", "", { xattrs }));
  expect(written.bytes.toString("latin1")).toContain("SCHILY.xattr.user.a%3Db%25c=v\n=\0\n");
  expect(linesOf(unpack(written.bytes))).toEqual(linesOf(written));
});

test("a socket is left out, and told", () => {
  const { warnings, bytes } = write((make) => make.special(Tree.ROOT, "s", "socket"));
  expect(warnings).toEqual(['"/s" is left out: an archive holds no sockets']);
  expect(bytes.length).toBe(512 + 1024);
});
