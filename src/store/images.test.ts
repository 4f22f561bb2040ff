import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { setFaults, type FileStorage } from "../host/index.ts";
import type { ImageFacts } from "./image-record.ts";
import { openStore, type Store } from "./store.ts";

const KEY = "k".repeat(64);
const SIZE = 1 << 20;
const facts: ImageFacts = { source: "deb:x", manifests: [], result: { argv: ["/x"] } };

let directory: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "store-"));
  store = openStore({ directory });
});

afterEach(() => {
  setFaults([]);
  rmSync(directory, { recursive: true });
});

let made = 0;

/** An image of mostly nothing. */
async function write(storage: FileStorage): Promise<ImageFacts> {
  made++;
  storage.setSize(SIZE);
  storage.writeAt(Buffer.from("contents"), 300_000);
  return facts;
}

async function make(): Promise<string> {
  using image = await store.images.make(KEY, write);
  return image.path;
}

async function find(): Promise<string | undefined> {
  using image = await store.images.find(KEY);
  return image?.path;
}

/** Changes a byte where the file system does not tell by itself that somebody did. */
function flip(path: string): void {
  const { atime, mtime } = statSync(path);
  chmodSync(path, 0o600);
  const bytes = readFileSync(path);
  bytes[300_001]! ^= 1;
  writeFileSync(path, bytes);
  chmodSync(path, 0o444);
  utimesSync(path, atime, mtime);
}

test("an image that was made is found, mode 0444, with its facts, and is not made again", async () => {
  made = 0;
  expect(await find()).toBeUndefined();
  const path = await make();
  expect(statSync(path).mode & 0o7777).toBe(0o444);
  expect(statSync(path).size).toBe(SIZE);
  expect(statSync(path).blocks * 512).toBeLessThan(SIZE / 2);
  expect(await make()).toBe(path);
  using found = await openStore({ directory }).images.find(KEY);
  expect(found).toMatchObject({ path, facts });
  expect(made).toBe(1);
  expect(readdirSync(join(directory, "tmp"))).toEqual([]);
});

test("S6 of several that want an image at once, one makes it", async () => {
  made = 0;
  let waits = 0;
  const slow = async (storage: FileStorage): Promise<ImageFacts> => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return write(storage);
  };
  const makes = Array.from({ length: 4 }, async () => {
    const { images } = openStore({ directory });
    using image = await images.make(KEY, slow, { onWait: () => waits++ });
    return image.path;
  });
  expect(new Set(await Promise.all(makes)).size).toBe(1);
  expect([made, waits]).toEqual([1, 3]);
});

test("S3 an image with another byte, size or no bytes is set aside and made again", async () => {
  const wanted = readFileSync(await make());
  const damages = [
    flip,
    (path: string) => {
      chmodSync(path, 0o600);
      truncateSync(path, SIZE - 1);
    },
    (path: string) => {
      chmodSync(path, 0o600);
      truncateSync(path, 0);
    },
    (path: string) => rmSync(path),
  ];
  for (const damage of damages) {
    damage(await make());
    expect(await find()).toBeUndefined();
    expect(readFileSync(await make()).equals(wanted)).toBe(true);
  }
  expect(readdirSync(join(directory, "damaged"))).toEqual([`${KEY}.image`]);
});

test("S3 a record that is damaged is no image, and the image is made again", async () => {
  const path = await make();
  const record = join(directory, "images", KEY, "image.json");
  for (const text of ["", "{}", '{"wick":2}', readFileSync(record, "utf8").slice(0, 40)]) {
    writeFileSync(record, text);
    expect(await find()).toBeUndefined();
    expect(await make()).toBe(path);
  }
});

test("an image that was moved with its store is believed for its digest", async () => {
  await make();
  const moved = `${directory}-moved`;
  renameSync(directory, moved);
  // Restored from elsewhere: the same bytes in another file.
  const path = join(moved, "images", KEY, "root.image");
  const bytes = readFileSync(path);
  rmSync(path);
  writeFileSync(path, bytes, { mode: 0o444 });
  renameSync(moved, directory);
  made = 0;
  expect(await find()).toBeDefined();
  await make();
  expect(made).toBe(0);
});

test("an image is not removed while it is held, and its holder's file stays when it is forced", async () => {
  await make();
  const held = (await store.images.find(KEY))!;
  expect(await store.images.isInUse(KEY)).toBe(true);
  expect(await store.images.remove(KEY)).toBe(false);
  expect(existsSync(held.path)).toBe(true);
  held[Symbol.dispose]();
  expect(await store.images.isInUse(KEY)).toBe(false);
  expect(await store.images.remove(KEY)).toBe(true);
  expect(readdirSync(join(directory, "images"))).toEqual([]);
});

test("verify notices one flipped bit in an image that its times do not betray", async () => {
  const path = await make();
  expect(await store.images.verify(KEY)).toBe(true);
  flip(path);
  expect(await store.images.verify(KEY)).toBe(false);
});

test("S4 S5 an image whose n-th write, sync or rename fails is absent, and nothing is left of it", async () => {
  await store.use().then((use) => use[Symbol.dispose]());
  let failures = 0;
  for (const [call, errno] of [
    ["write", "ENOSPC"],
    ["fsync", "EIO"],
    ["rename", "EIO"],
    ["open", "EMFILE"],
  ] as const) {
    for (let nth = 1; ; nth++) {
      setFaults([{ call, errno, nth, pathPrefix: directory }]);
      const error = await make().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      setFaults([]);
      if (error === undefined) break;
      failures++;
      expect(["DISK_FULL", "IO"]).toContain((error as { code: string }).code);
      expect(readdirSync(join(directory, "tmp")), `${call} ${nth}`).toEqual([]);
      // Its directory may be there; the next use of the store takes it away.
      await store.use().then((use) => use[Symbol.dispose]());
      const left = existsSync(join(directory, "images")) ? store.images.list() : [];
      expect(left).toEqual([]);
    }
    rmSync(join(directory, "images"), { recursive: true });
  }
  expect(failures).toBeGreaterThan(12);
});

test("an output is remembered until somebody touches it, the asked-for one first", async () => {
  const first = join(directory, "a.ext4");
  const second = join(directory, "b.ext4");
  for (const path of [first, second]) {
    writeFileSync(path, "image");
    await store.places.add(KEY, { path, facts, lasts: true });
  }
  expect(store.places.find(KEY)?.path).toBe(second);
  expect(store.places.find(KEY, first)).toMatchObject({ path: first, facts });
  expect(store.places.find(KEY, first)?.isUntouched()).toBe(true);
  writeFileSync(first, "other");
  expect(store.places.find(KEY, first)?.path).toBe(second);
  rmSync(second);
  expect(store.places.find(KEY)).toBeUndefined();
});

test("an output that the disk was not waited for is forgotten when the host starts again", async () => {
  const path = join(directory, "a.ext4");
  writeFileSync(path, "image");
  await store.places.add(KEY, { path, facts, lasts: false });
  expect(store.places.find(KEY)?.path).toBe(path);
  const record = join(store.layout.images, KEY, "elsewhere.json");
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const text = readFileSync(record, "utf8");
  expect(text).toContain(boot);
  writeFileSync(record, text.replace(boot, "00000000-0000-4000-8000-000000000000"));
  expect(store.places.find(KEY)).toBeUndefined();
});

test("an output written within the same tick of the clock is not taken for the recorded one", async () => {
  const path = join(directory, "a.ext4");
  for (let i = 0; i < 20; i++) {
    writeFileSync(path, `image ${i}`);
    const adding = store.places.add(KEY, { path, facts, lasts: true });
    await adding;
    writeFileSync(path, `other ${i}`);
    expect(store.places.find(KEY)).toBeUndefined();
  }
});
