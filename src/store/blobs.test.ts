import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { isWickError } from "../errors/index.ts";
import { setFaults } from "../host/index.ts";
import type { BlobId } from "./layout.ts";
import type { PartialBlob } from "./partial-blob.ts";
import { openStore, type Store } from "./store.ts";

const directories: string[] = [];

afterEach(() => {
  setFaults([]);
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function newStore(): { store: Store; directory: string } {
  const directory = mkdtempSync(join(tmpdir(), "store-"));
  directories.push(directory);
  return { store: openStore({ directory }), directory };
}

function blob(bytes: Uint8Array): BlobId {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}` as const;
  return { digest, size: bytes.length };
}

/** A server of `bytes` that goes on where the part ends, in pieces. */
function server(bytes: Uint8Array, pieceBytes = 1000) {
  const asked: number[] = [];
  const download = async (part: PartialBlob): Promise<void> => {
    asked.push(part.sizeBytes);
    for (let at = part.sizeBytes; at < bytes.length; at += pieceBytes) {
      part.write(bytes.subarray(at, at + pieceBytes));
    }
  };
  return { asked, download };
}

const names = (directory: string): string[] =>
  existsSync(directory) ? readdirSync(directory) : [];

test("a fetched blob lies in an OCI layout's place, mode 0444 in directories 0700, and nothing beside it", async () => {
  const { store, directory } = newStore();
  const bytes = randomBytes(5000);
  const id = blob(bytes);
  expect(store.blobs.find(id)).toBeUndefined();
  const { asked, download } = server(bytes);
  const path = await store.blobs.fetch(id, download);
  expect(path).toBe(join(directory, "blobs/sha256", id.digest.slice(7)));
  expect(readFileSync(path)).toEqual(bytes);
  expect(statSync(path).mode & 0o7777).toBe(0o444);
  expect(statSync(join(directory, "blobs/sha256")).mode & 0o7777).toBe(0o700);
  expect(names(join(directory, "tmp"))).toEqual([]);
  expect(await store.blobs.fetch(id, download)).toBe(path);
  expect(asked).toEqual([0]);
});

test("a cut transfer is continued by the next one, whose digest covers what was there", async () => {
  const { store, directory } = newStore();
  const bytes = randomBytes(5000);
  const id = blob(bytes);
  await expect(
    store.blobs.fetch(id, async (part) => {
      part.write(bytes.subarray(0, 3000));
      throw new Error("the connection broke");
    }),
  ).rejects.toThrow("the connection broke");
  expect(statSync(join(directory, "tmp", `${id.digest.slice(7)}.part`)).size).toBe(3000);
  const { asked, download } = server(bytes);
  const again = openStore({ directory });
  expect(readFileSync(await again.blobs.fetch(id, download))).toEqual(bytes);
  expect(asked).toEqual([3000]);
});

test("a former part that is wrong is fetched once more from the beginning, not believed", async () => {
  const { store, directory } = newStore();
  const bytes = randomBytes(5000);
  const id = blob(bytes);
  const part = join(directory, "tmp", `${id.digest.slice(7)}.part`);
  for (const planted of [Buffer.alloc(2000), Buffer.alloc(5000), Buffer.alloc(9000)]) {
    await store.blobs.put(Buffer.from("makes the directories"));
    writeFileSync(part, planted);
    const { asked, download } = server(bytes);
    const path = await store.blobs.fetch(id, download);
    expect(readFileSync(path)).toEqual(bytes);
    expect(asked).toEqual(planted.length < 5000 ? [2000, 0] : [0]);
    rmSync(path);
  }
});

test("R9 more bytes than the size says end the transfer at once, fewer and others at its end", async () => {
  const { store, directory } = newStore();
  const bytes = randomBytes(5000);
  const id = blob(bytes);
  let written = 0;
  const endless = async (part: PartialBlob): Promise<void> => {
    for (;;) {
      part.write(Buffer.alloc(1000));
      written += 1000;
    }
  };
  const wrong = [
    endless,
    server(bytes.subarray(0, 4000)).download,
    server(Buffer.alloc(5000)).download,
  ];
  for (const download of wrong) {
    await expect(store.blobs.fetch(id, download)).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
    });
    expect(store.blobs.find(id)).toBeUndefined();
    expect(names(join(directory, "tmp"))).toEqual([]);
  }
  expect(written).toBe(5000);
});

test("S3 a blob that is cut or emptied is set aside when it is used, and fetched again", async () => {
  const { store, directory } = newStore();
  const bytes = randomBytes(5000);
  const id = blob(bytes);
  for (const size of [4999, 0]) {
    const path = await store.blobs.fetch(id, server(bytes).download);
    chmodSync(path, 0o600);
    truncateSync(path, size);
    expect(store.blobs.find(id)).toBeUndefined();
    expect(statSync(join(directory, "damaged", id.digest.slice(7))).size).toBe(size);
    expect(readFileSync(await store.blobs.fetch(id, server(bytes).download))).toEqual(bytes);
  }
});

test("S3 a flipped bit in a document is noticed at each reading", async () => {
  const { store } = newStore();
  const bytes = Buffer.from('{"schemaVersion":2}');
  const id = await store.blobs.put(bytes);
  expect(store.blobs.read(id)).toEqual(bytes);
  const path = store.blobs.find(id)!;
  chmodSync(path, 0o600);
  const flipped = Buffer.from(bytes);
  flipped[3]! ^= 1;
  writeFileSync(path, flipped);
  expect(store.blobs.read(id)).toBeUndefined();
  expect(store.blobs.find(id)).toBeUndefined();
  await store.blobs.put(bytes);
  expect(store.blobs.read(id)).toEqual(bytes);
});

test("R8 a document over its bound is an error before it is read", () => {
  const { store } = newStore();
  const id = { digest: `sha256:${"a".repeat(64)}`, size: (4 << 20) + 1 } as const;
  expect(() => store.blobs.read(id)).toThrow(expect.objectContaining({ code: "ARCHIVE_LIMIT" }));
});

test("R6 nothing but a digest becomes part of a path", () => {
  const { store } = newStore();
  const bad = [
    "sha256:../../x",
    "sha/256:aa",
    `sha256:${"A".repeat(64)}`,
    `sha256:${"a".repeat(63)}`,
  ];
  for (const digest of [...bad, `sha512:${"a".repeat(128)}`, ""]) {
    expect(() => store.blobs.find({ digest: digest as "sha256:x", size: 1 })).toThrow(
      /wanted sha256/,
    );
  }
});

test("S6 of several that want a blob at once, one transfers it", async () => {
  const { store, directory } = newStore();
  const bytes = randomBytes(5000);
  const id = blob(bytes);
  let transfers = 0;
  let waits = 0;
  const slow = async (part: PartialBlob): Promise<void> => {
    transfers++;
    await new Promise((resolve) => setTimeout(resolve, 150));
    part.write(bytes);
  };
  const fetches = Array.from({ length: 5 }, () =>
    openStore({ directory }).blobs.fetch(id, slow, { onWait: () => waits++ }),
  );
  expect(new Set(await Promise.all(fetches)).size).toBe(1);
  expect(transfers).toBe(1);
  expect(waits).toBe(4);
  expect(store.blobs.find(id)).toBeDefined();
  expect(names(join(directory, "tmp"))).toEqual([]);
});

test("S4 a sync that fails once publishes nothing, be it the file's or its directory's", async () => {
  const { store, directory } = newStore();
  const bytes = randomBytes(5000);
  const id = blob(bytes);
  await store.blobs.put(Buffer.from("makes the directories"));
  for (const pathPrefix of [join(directory, "tmp"), join(directory, "blobs")]) {
    setFaults([{ call: "fsync", pathPrefix, nth: 1, errno: "EIO" }]);
    await expect(store.blobs.fetch(id, server(bytes).download)).rejects.toMatchObject({
      code: "IO",
    });
    expect(store.blobs.find(id)).toBeUndefined();
    setFaults([]);
  }
  expect(readFileSync(await store.blobs.fetch(id, server(bytes).download))).toEqual(bytes);
});

test("S5 a disk that fills at the k-th write, for every k, leaves nothing of the blob", async () => {
  const { store, directory } = newStore();
  const bytes = randomBytes(5000);
  const id = blob(bytes);
  const kept = await store.blobs.put(Buffer.from("older"));
  let k = 1;
  for (; ; k++) {
    setFaults([
      { call: "write", pathPrefix: directory, nth: k, errno: "ENOSPC", persistent: true },
    ]);
    const error = await store.blobs.fetch(id, server(bytes).download).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    setFaults([]);
    if (error === undefined) break;
    expect(isWickError(error, "DISK_FULL")).toBe(true);
    expect(names(join(directory, "tmp"))).toEqual([]);
    expect(names(join(directory, "blobs/sha256"))).toEqual([kept.digest.slice(7)]);
    expect(store.blobs.read(kept)).toEqual(Buffer.from("older"));
  }
  expect(k).toBe(6);
});

test("S5 a blob larger than what is free is an error that names both, before a byte is fetched", async () => {
  const { store } = newStore();
  const id = { digest: `sha256:${"a".repeat(64)}`, size: 2 ** 50 } as const;
  const { asked, download } = server(Buffer.alloc(0));
  const failure = store.blobs.fetch(id, download);
  await expect(failure).rejects.toMatchObject({ code: "DISK_FULL" });
  await expect(failure).rejects.toThrow(/1125899906842624 bytes are needed, \d+ are free/);
  expect(asked).toEqual([]);
});
