/** Small archives that mean a lot: bounded memory and time that grows with the input alone. */
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { jsonOf, wick } from "../support/cli.ts";
import { e2fsck } from "../support/ext4-image.ts";
import { header, pax } from "../support/tar-builder.ts";
import { watched } from "../support/watched.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const MiB = 1 << 20;

/** `count` empty files, a thousand to a directory, as members of gzip of half a megabyte of tar. */
function manyFiles(count: number): Buffer {
  const perDirectory = 1000;
  const members: Buffer[] = [];
  const blocks = Buffer.alloc((perDirectory + 1) * 512);
  for (let directory = 0; directory < count / perDirectory; directory++) {
    const name = `directory-${String(directory).padStart(4, "0")}/`;
    blocks.set(header({ name, typeflag: "5", mode: 0o755 }));
    // Only the digits change: the sum of a header follows from theirs.
    for (let file = 0; file < perDirectory; file++) {
      blocks.set(fileHeader(`${name}f${String(file).padStart(3, "0")}`), (file + 1) * 512);
    }
    members.push(gzipSync(blocks, { level: 1 }));
  }
  members.push(gzipSync(Buffer.alloc(1024)));
  return Buffer.concat(members);
}

const TEMPLATE = header({ name: "", mode: 0o644 });
const TEMPLATE_SUM = Number.parseInt(Buffer.from(TEMPLATE.subarray(148, 154)).toString(), 8);

function fileHeader(name: string): Uint8Array {
  const block = Uint8Array.from(TEMPLATE);
  let sum = TEMPLATE_SUM;
  for (let i = 0; i < name.length; i++) sum += block[i] = name.charCodeAt(i);
  block.set(Buffer.from(sum.toString(8).padStart(6, "0")), 148);
  return block;
}

test("A8: a million files in a few megabytes become a clean image in bounded memory", async () => {
  const archive = manyFiles(1_000_000);
  expect(archive.length).toBeLessThan(16 * MiB);
  const output = join(temporaryDirectory(), "x.ext4");
  const words = ["build", "--json", "--init", "none", "--size", "min", "tar:-", "-o", output];
  const { result, peak } = await watched(words, { stdin: archive });
  expect(result.status, result.stderr).toBe(0);
  expect(jsonOf(result)).toMatchObject({ tree: { files: 1_000_000, directories: 1000 } });
  expect(peak).toBeGreaterThan(20 * MiB);
  expect(peak).toBeLessThan(400 * MiB);
  expect(e2fsck(output)).toMatchObject({ status: 0 });
}, 300_000);

test("A6: a gigabyte of attributes in a megabyte of archive is refused before memory is full", async () => {
  const value = "x".repeat(60_000);
  const records = Array.from({ length: 16 }, (_, i) => [`SCHILY.xattr.user.${i}`, value] as const);
  const entry = gzipSync(Buffer.concat([pax(records), header({ name: "f" })]), { level: 9 });
  const archive = Buffer.concat([
    ...Array.from({ length: 1000 }, () => entry),
    gzipSync(Buffer.alloc(1024)),
  ]);
  expect(archive.length).toBeLessThan(4 * MiB);
  const output = join(temporaryDirectory(), "x.ext4");
  const { result, peak } = await watched(["build", "--init", "none", "tar:-", "-o", output], {
    stdin: archive,
  });
  expect(result.status).toBe(1);
  expect(result.stderr).toContain("[ARCHIVE_LIMIT]");
  expect(result.stderr).toContain("hint:");
  expect(peak).toBeLessThan(1000 * MiB);
});

test("A8: twenty thousand directories in each other become a clean image", async () => {
  const depth = 20_000;
  const path = "d/".repeat(depth);
  const archive = Buffer.concat([
    pax([["path", path]]),
    header({ name: "x", typeflag: "5", mode: 0o700 }),
    Buffer.alloc(1024),
  ]);
  const output = join(temporaryDirectory(), "x.ext4");
  const words = ["build", "--json", "--init", "none", "--size", "min", "tar:-", "-o", output];
  const result = await wick(words, { stdin: archive });
  expect(result.status, result.stderr).toBe(0);
  expect(jsonOf(result)).toMatchObject({ tree: { directories: depth } });
  expect(e2fsck(output)).toMatchObject({ status: 0 });
});

test("A6: a pax header of a gigabyte is refused at its header, in little memory", async () => {
  const head = header({ name: "pax", typeflag: "x", size: 2 ** 30 });
  const archive = Buffer.concat([head, Buffer.alloc(4 * MiB, 0x31)]);
  const output = join(temporaryDirectory(), "x.ext4");
  const words = ["build", "--init", "none", "tar:-", "-o", output];
  const result = await wick(words, { stdin: archive });
  expect(result.status).toBe(1);
  expect(result.stderr).toContain("[ARCHIVE_LIMIT]");
  expect(result.stderr).toMatch(/1048576|1 MiB/);
});
