import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type * as Compression from "./index.ts";
import { inflateBlob, type InflateOptions } from "./index.ts";

/** The compiled room, which inflates in a worker. */
const compiled = new URL("../../dist/compression/index.js", import.meta.url).href;
const { inflateBlob: inflateByWorker, endIdleWorkers } = (await import(
  compiled
)) as typeof Compression;

let directory = "";
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "wick-inflate-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** 12 MiB that gzip cannot make smaller than a worker is worth. */
function plainBytes(): Buffer {
  const plain = Buffer.alloc(12 << 20);
  let word = 1;
  for (let i = 0; i < plain.length; i += 4) {
    word = (Math.imul(word, 1664525) + 1013904223) | 0;
    plain.writeInt32LE(word, i);
  }
  return plain;
}

function stored(bytes: Uint8Array): { path: string; offset: number; sizeBytes: number } {
  const path = join(directory, "blob");
  writeFileSync(path, Buffer.concat([Buffer.from("before"), bytes, Buffer.from("after")]));
  return { path, offset: 6, sizeBytes: bytes.length };
}

async function readAll(blob: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of blob) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test.each([
  ["in this thread", inflateBlob],
  ["by a worker", inflateByWorker],
])(
  "a region is inflated %s, with the digests of the stored and the plain bytes",
  async (_, inflate) => {
    const plain = plainBytes();
    const gzip = gzipSync(plain, { level: 1 });
    const digests: string[] = [];
    const onDigest = (hex: string): void => void (digests[0] = hex);
    const onPlainDigest = (hex: string): void => void (digests[1] = hex);
    const blob = inflate(stored(gzip), { name: "b", onDigest, onPlainDigest });
    blob.start();
    expect(sha256(await readAll(blob))).toBe(sha256(plain));
    expect(digests).toEqual([sha256(gzip), sha256(plain)]);
  },
);

test("a worker's errors are those of this thread", async () => {
  const cut = gzipSync(plainBytes(), { level: 1 }).subarray(0, 9 << 20);
  const region = stored(cut);
  const why = async (inflate: typeof inflateBlob): Promise<unknown> => {
    const error = await readAll(inflate(region, { name: "b" })).catch((e: unknown) => e);
    const { code, message, hint } = error as Record<string, unknown>;
    return { code, message, hint };
  };
  expect(await why(inflateByWorker)).toEqual({
    code: "COMPRESSION_INVALID",
    message: "Cannot decompress b: it is truncated",
    hint: undefined,
  });
  expect(await why(inflateByWorker)).toEqual(await why(inflateBlob));
});

test("of three blobs at once each gets a worker in its turn, also when one is given up", async () => {
  const region = stored(gzipSync(plainBytes(), { level: 1 }));
  const options: InflateOptions = { name: "b" };
  const [first, second, third] = [1, 2, 3].map(() => inflateByWorker(region, options));
  for (const blob of [first!, second!, third!]) blob.start();
  for await (const chunk of first!) if (chunk.length > 0) break;
  const expected = sha256(plainBytes());
  expect(sha256(await readAll(second!))).toBe(expected);
  expect(sha256(await readAll(third!))).toBe(expected);
});

test("whoever needs the bytes of the last of many is not held up by those before it", async () => {
  const region = stored(gzipSync(plainBytes(), { level: 1 }));
  const blobs = [1, 2, 3, 4].map(() => inflateByWorker(region, { name: "b" }));
  for (const blob of blobs) blob.start();
  const expected = sha256(plainBytes());
  for (const blob of blobs.reverse()) expect(sha256(await readAll(blob))).toBe(expected);
});

test("one that begins ahead of its turn inflates on, beyond what memory holds for it", async () => {
  const plain = Buffer.concat([plainBytes(), plainBytes(), plainBytes()]);
  const digests: string[] = [];
  const blob = inflateByWorker(stored(gzipSync(plain, { level: 1 })), {
    name: "b",
    onPlainDigest: (hex) => void digests.push(hex),
  });
  blob.start();
  const spooled = (): number => Math.max(0, ...spools());
  await vi.waitFor(() => expect(spooled()).toBeGreaterThan(20 << 20), { timeout: 20_000 });
  expect(sha256(await readAll(blob))).toBe(sha256(plain));
  expect(digests).toEqual([sha256(plain)]);
  expect(spooled()).toBe(0);
});

test("one that begins while the workers of former ones still end has one of its own as soon as they are gone", async () => {
  const region = stored(gzipSync(plainBytes(), { level: 1 }));
  const former = [1, 2].map(() => inflateByWorker(region, { name: "b" }));
  for (const blob of former) blob.start();
  await Promise.all(former.map(readAll));
  endIdleWorkers();
  const blob = inflateByWorker(region, { name: "b" });
  blob.start();
  await vi.waitFor(() => expect(spools()).not.toEqual([]), { timeout: 20_000 });
  expect(sha256(await readAll(blob))).toBe(sha256(plainBytes()));
});

/** Bytes in each file that a worker runs ahead in: this process', without a name. */
function spools(): number[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const link = `/proc/self/fd/${fd}`;
      return readlinkSync(link).includes("wick-inflated-") ? [statSync(link).size] : [];
    } catch {
      return []; // the directory itself
    }
  });
}

test("a worker is used again for the next blob", async () => {
  const region = stored(gzipSync(plainBytes(), { level: 1 }));
  const expected = sha256(plainBytes());
  for (let turn = 0; turn < 4; turn++) {
    expect(sha256(await readAll(inflateByWorker(region, { name: "b" })))).toBe(expected);
  }
});

test("a signal ends a worker's reader, and the worker", async () => {
  const region = stored(gzipSync(plainBytes(), { level: 1 }));
  const stop = new AbortController();
  const reading = async (): Promise<void> => {
    for await (const chunk of inflateByWorker(region, { name: "b", signal: stop.signal })) {
      if (chunk.length > 0) stop.abort();
    }
  };
  await expect(reading()).rejects.toMatchObject({ code: "INTERRUPTED" });
});

test("without descriptors for a thread the work is done in this one", async () => {
  const gzip = gzipSync(plainBytes(), { level: 1 });
  const { path, offset, sizeBytes } = stored(gzip);
  const script = `
    const { inflateBlob } = await import(${JSON.stringify(compiled)});
    const { openSync } = await import("node:fs");
    const kept = [];
    for (;;) try { kept.push(openSync("/dev/null")); } catch { break; }
    for (let i = 0; i < 4; i++) (await import("node:fs")).closeSync(kept.pop());
    let bytes = 0;
    const region = ${JSON.stringify({ path, offset, sizeBytes })};
    for await (const chunk of inflateBlob(region, { name: "b" })) bytes += chunk.length;
    console.log(bytes);
  `;
  const words = [
    "-c",
    'ulimit -n 300; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    script,
  ];
  const { stdout } = await promisify(execFile)("bash", words);
  expect(Number(stdout)).toBe(plainBytes().length);
});

test("what has begun and is closed unread keeps no process alive", async () => {
  const region = stored(gzipSync(plainBytes(), { level: 1 }));
  const script = `
    const { inflateBlob } = await import(${JSON.stringify(compiled)});
    const blobs = [1, 2, 3].map(() => inflateBlob(${JSON.stringify(region)}, { name: "b" }));
    for (const blob of blobs) blob.start();
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const blob of blobs) blob.close();
  `;
  const words = ["--input-type=module", "-e", script];
  await promisify(execFile)(process.execPath, words, { timeout: 50_000 });
});
