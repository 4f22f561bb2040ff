/** squashfs as mksquashfs makes it from wick's archive: the kernel gives back what went in. */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readSquashfs } from "../../src/formats/squashfs/index.ts";
import { FileStorage, setFaults } from "../../src/host/index.ts";
import { squashfsFile } from "../../src/operations/images/squashfs-files.ts";
import { Tree } from "../../src/tree/index.ts";
import { mountReadOnly } from "../support/erofs-image.ts";
import { canMount, flipBytes, kernelManifest } from "../support/ext4-image.ts";
import { grow, plan } from "../support/generated-trees.ts";
import { random, trees } from "../support/sample-trees.ts";
import { buildSquashfs } from "../support/squashfs-image.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

for (const [name, fill] of Object.entries(trees)) {
  test.skipIf(!canMount)(`the tree "${name}" in squashfs is what the kernel reads`, async () => {
    const built = await buildSquashfs(fill);
    using mount = mountReadOnly(built.path, "squashfs");
    expect(kernelManifest(mount.root)).toEqual(built.expected);
  });
}

test.skipIf(!canMount)("the kernel reads every generated tree back from squashfs", async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (nodes) => {
      const built = await buildSquashfs((make) => grow(make, nodes));
      using mount = mountReadOnly(built.path, "squashfs");
      expect(kernelManifest(mount.root)).toEqual(built.expected);
    }),
    { numRuns: 15, seed: 3 },
  );
});

test("what squashfs cannot hold is told: attributes of other names, times, sockets", async () => {
  const { warnings } = await buildSquashfs((make) => {
    trees.everyKind(make);
    trees.attributes(make);
    make.file(Tree.ROOT, "before 1970", "", { mtime: { seconds: -5, nanoseconds: 0 } });
  });
  expect(warnings).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^"\/": its extended attribute "user.root" is left out/),
      expect.stringMatching(/^"\/": its owner 12:34 is left out/),
      expect.stringMatching(/^"\/acl": its extended attribute "system.posix_acl_access" is left/),
      expect.stringMatching(/^"\/before 1970": its time, -5 s .* 1970 to 2106/),
      expect.stringMatching(/^"\/devices\/socket" is left out/),
    ]),
  );
});

test("the same tree gives the same squashfs", async () => {
  const [one, other] = [await buildSquashfs(trees.large), await buildSquashfs(trees.large)];
  expect(readFileSync(one.path).equals(readFileSync(other.path))).toBe(true);
});

test("a file of 1 GiB of zeros makes a small squashfs", async () => {
  const { path } = await buildSquashfs((make) => make.file(Tree.ROOT, "sparse", [1 << 30]));
  expect(statSync(path).size).toBeLessThan(100_000);
});

test.each([
  ["gzip", 9],
  ["lzo", undefined],
  ["lz4", undefined],
  ["xz", undefined],
  ["zstd", 19],
])("squashfs is compressed with %s as asked", async (name, level) => {
  const { path } = await buildSquashfs(trees.everyKind, { name, level });
  using storage = new FileStorage(path, "read");
  expect(readSquashfs(storage).compression).toBe(name);
});

test("a level for a compression without levels is USAGE", async () => {
  await expect(buildSquashfs(trees.names, { name: "lz4", level: 3 })).rejects.toMatchObject({
    code: "USAGE",
  });
});

test("what wick says of a squashfs is what unsquashfs says", async () => {
  const { path } = await buildSquashfs(trees.everyKind);
  using storage = new FileStorage(path, "read");
  const facts = readSquashfs(storage);
  const text = execFileSync("unsquashfs", ["-stat", path], { encoding: "utf8" });
  expect(Number(/^Number of inodes (\d+)/m.exec(text)![1])).toBe(facts.inodes);
  expect(Number(/^Filesystem size (\d+) bytes/m.exec(text)![1])).toBe(facts.sizeBytes);
  expect(/^Compression (\w+)/m.exec(text)![1]).toBe(facts.compression);
  const time = execFileSync("unsquashfs", ["-mkfs-time", path], { encoding: "utf8" });
  expect(time.trim()).toBe("5");
});

test("a file is read by unsquashfs, in bounds; a missing one is none, a broken image an error", async () => {
  const { path } = await buildSquashfs((make) => make.file(Tree.ROOT, "f", random(200_000)));
  const found = await squashfsFile(path, "/f", { limitBytes: 200_000 });
  expect(Buffer.compare(found!, random(200_000))).toBe(0);
  expect(await squashfsFile(path, "/nothing", { limitBytes: 10 })).toBeUndefined();
  expect(await squashfsFile(path, "/", { limitBytes: 10 })).toBeUndefined();
  await expect(squashfsFile(path, "/f", { limitBytes: 199_999 })).rejects.toMatchObject({
    code: "IMAGE_LIMIT",
  });
  flipBytes(path, 96, 1000);
  await expect(squashfsFile(path, "/f", { limitBytes: 1 << 20 })).rejects.toMatchObject({
    code: "IMAGE_INVALID",
  });
});

test.skipIf(!canMount)("the comparison notices one changed byte of a squashfs", async () => {
  const built = await buildSquashfs((make) => make.file(Tree.ROOT, "f", random(10_000)), {
    name: "gzip",
    level: undefined,
  });
  const bytes = readFileSync(built.path);
  const path = join(temporaryDirectory(), "changed.squashfs");
  writeFileSync(path, bytes);
  flipBytes(path, 96 + 20, 4);
  using mount = mountReadOnly(path, "squashfs");
  let lines: string[] = [];
  try {
    lines = kernelManifest(mount.root);
  } catch {
    // a block that does not unpack is an input/output error
  }
  expect(lines).not.toEqual(built.expected);
});

test("a superblock that is none, of another version, or of a longer file is refused", async () => {
  const { path } = await buildSquashfs(trees.names);
  const whole = readFileSync(path);
  const directory = temporaryDirectory();
  const refused = (name: string, bytes: Buffer): unknown => {
    writeFileSync(join(directory, name), bytes);
    using storage = new FileStorage(join(directory, name), "read");
    try {
      return readSquashfs(storage);
    } catch (error) {
      return error;
    }
  };
  const changed = (at: number, value: number): Buffer => {
    const copy = Buffer.from(whole);
    copy.writeUInt16LE(value, at);
    return copy;
  };
  for (const [name, bytes] of [
    ["empty", Buffer.alloc(10)],
    ["magic", changed(0, 0)],
    ["version", changed(0x1c, 3)],
    ["compression", changed(0x14, 77)],
    ["cut", whole.subarray(0, 200)],
  ] as const) {
    expect(refused(name, bytes), name).toMatchObject({ code: "IMAGE_INVALID" });
  }
});

test("a spool that cannot be written is an error, and nothing of it is left", async () => {
  setFaults([
    { call: "write", pathPrefix: join(tmpdir(), "wick-spool-"), nth: 1, errno: "ENOSPC" },
  ]);
  try {
    const built = buildSquashfs((make) => make.file(Tree.ROOT, "f", random(3_000_000)));
    await expect(built).rejects.toMatchObject({ code: "DISK_FULL" });
  } finally {
    setFaults([]);
  }
});
