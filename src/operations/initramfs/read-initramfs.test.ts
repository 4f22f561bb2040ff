import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { storageOf, utf8 } from "../../bytes/index.ts";
import { encodeCpio } from "../../formats/cpio/index.ts";
import { readInitramfs } from "./read-initramfs.ts";

const root = { mode: 0o755, uid: 0, gid: 0, mtime: 0 };
const archive = encodeCpio([
  { ...root, path: utf8("d"), kind: "directory" },
  { ...root, path: utf8("d/f"), kind: "file", contents: new Uint8Array(5000) },
]);
const scan = (...parts: Uint8Array[]) =>
  readInitramfs([storageOf(new Uint8Array(Buffer.concat(parts)))], { name: "a.cpio" });

test("a scan counts entries, archives and whole pages, compressed or not, or one behind the other", async () => {
  const one = { entries: 2, archives: 1, unpackedBytes: 2 * 1024 + 8192 };
  const plain = { compression: "none", decompressorBytes: 0 };
  const packed = { compression: "gzip", decompressorBytes: 65536 };
  expect(await scan(archive)).toEqual({ ...one, ...plain });
  expect(await scan(gzipSync(archive))).toEqual({ ...one, ...packed });
  const two = { entries: 4, archives: 2, unpackedBytes: 2 * one.unpackedBytes };
  expect(await scan(archive, gzipSync(archive))).toEqual({ ...two, ...packed });
  expect(await scan(archive, archive)).toEqual({ ...two, ...plain });
});

test("parts are read one after the other, whichever of them is compressed", async () => {
  const [plain, packed] = [storageOf(archive), storageOf(gzipSync(archive))];
  const two = { entries: 4, archives: 2, unpackedBytes: 2 * (2 * 1024 + 8192) };
  const decompressorBytes = 65536;
  const scanned = await readInitramfs([packed, plain], { name: "a.cpio" });
  expect(scanned).toEqual({ ...two, compression: "none", decompressorBytes });
  // As one part it is what the kernel takes, and what no decompressor tells the end of.
  await expect(scan(gzipSync(archive), archive)).rejects.toMatchObject({
    code: "COMPRESSION_INVALID",
  });
});

test("what is cut or no archive is refused", async () => {
  const code = (name: string): unknown => expect.objectContaining({ code: name });
  await expect(scan(archive.subarray(0, 200))).rejects.toEqual(code("ARCHIVE_INVALID"));
  await expect(scan(utf8("text"))).rejects.toEqual(code("ARCHIVE_INVALID"));
  const cut = gzipSync(archive).subarray(0, 60);
  await expect(scan(cut)).rejects.toEqual(code("COMPRESSION_INVALID"));
});

test("an error names the file, and a bomb ends at the limit", async () => {
  await expect(scan(utf8("text"))).rejects.toMatchObject({
    message: expect.stringContaining("(in a.cpio)"),
  });
  const bomb = storageOf(gzipSync(Buffer.concat([archive, new Uint8Array(8 << 20)])));
  const limited = readInitramfs([bomb], { name: "a.cpio", limitBytes: 4 << 20 });
  await expect(limited).rejects.toMatchObject({ code: "IMAGE_LIMIT" });
});
