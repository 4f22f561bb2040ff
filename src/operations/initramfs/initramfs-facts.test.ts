import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { storageOf, utf8 } from "../../bytes/index.ts";
import { type CpioFile, encodeCpio } from "../../formats/cpio/index.ts";
import { initramfsContents } from "./initramfs-facts.ts";

const file = (path: string, contents: string): CpioFile => ({
  path: utf8(path),
  kind: "file",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 0,
  contents: utf8(contents),
});

test("what a run reads is found before and behind the place where compression begins", async () => {
  const plain = encodeCpio([file("kernel/microcode.bin", "x"), file("etc/group", "first")]);
  const packed = gzipSync(encodeCpio([file("etc/passwd", "root"), file("etc/group", "second")]));
  const { files, summary } = await initramfsContents(
    [storageOf(Buffer.concat([plain, packed]))],
    undefined,
  );
  expect([...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString()])).toEqual([
    ["etc/group", "second"],
    ["etc/passwd", "root"],
  ]);
  expect(summary.unpackedBytes).toBe(4 * (4096 + 1024));
});

test("a cut one is an error", async () => {
  const packed = gzipSync(encodeCpio([file("etc/passwd", "root")])).subarray(0, -9);
  await expect(initramfsContents([storageOf(packed)], undefined)).rejects.toMatchObject({
    code: "COMPRESSION_INVALID",
  });
});
