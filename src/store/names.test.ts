import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { setFaults } from "../host/index.ts";
import type { StoredName } from "./names.ts";
import { openStore, type Store } from "./store.ts";

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

const name: StoredName = {
  reference: "docker.io/library/nginx:alpine",
  platform: "linux/amd64",
  manifestDigest: `sha256:${"a".repeat(64)}`,
  manifestSize: 1000,
  at: 1_700_000_000,
};

const path = (): string => join(directory, "names", readdirSync(join(directory, "names"))[0]!);

test("a name is remembered for its platform alone, and a later answer replaces it", async () => {
  expect(store.names.get(name.reference, name.platform)).toBeUndefined();
  await store.names.set(name);
  expect(store.names.get(name.reference, name.platform)).toEqual(name);
  expect(store.names.get(name.reference, "linux/arm64")).toBeUndefined();
  const later = { ...name, manifestDigest: `sha256:${"b".repeat(64)}` as const };
  await store.names.set(later);
  expect(store.names.list()).toEqual([later]);
  expect(statSync(path()).mode & 0o7777).toBe(0o600);
  store.names.remove(name.reference, name.platform);
  expect(store.names.list()).toEqual([]);
});

test("S3 a record that is empty, cut, of another version or another name's is no name", async () => {
  await store.names.set(name);
  const good = readFileSync(path(), "utf8");
  const bad = ["", "{}", "null", good.slice(0, 50), good.replace('"wick":1', '"wick":2')];
  const evil = good.replace(/sha256:a+/, "sha256:../../../etc/passwd");
  for (const text of [...bad, evil]) {
    writeFileSync(path(), text);
    expect(store.names.get(name.reference, name.platform)).toBeUndefined();
    expect(store.names.list()).toEqual([]);
    expect(store.names.damaged()).toEqual([path()]);
  }
  writeFileSync(path(), good.replace("nginx", "evil"));
  expect(store.names.get(name.reference, name.platform)).toBeUndefined();
});

test("S2 S4 a name whose record could not be synced keeps what it stood for", async () => {
  await store.names.set(name);
  setFaults([{ call: "fsync", pathPrefix: directory, nth: 1, errno: "EIO" }]);
  const later = { ...name, manifestDigest: `sha256:${"b".repeat(64)}` as const };
  await expect(store.names.set(later)).rejects.toMatchObject({ code: "IO" });
  setFaults([]);
  expect(store.names.get(name.reference, name.platform)).toEqual(name);
  expect(readdirSync(join(directory, "names"))).toHaveLength(1);
});
