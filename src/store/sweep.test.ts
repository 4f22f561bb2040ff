import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tryLockFile } from "../host/index.ts";
import { openStore, type Store } from "./store.ts";

let directory: string;
let store: Store;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "store-"));
  store = openStore({ directory });
  await use();
});

afterEach(() => rmSync(directory, { recursive: true }));

/** A command that uses the store and ends. */
async function use(): Promise<void> {
  using _ = await openStore({ directory }).use();
}

const tmp = (name: string): string => join(directory, "tmp", name);
const HEX = "a".repeat(64);

test("S14 what nobody locks is swept by the next command, whatever its times say", async () => {
  const future = new Date(Date.now() + 24 * 3600 * 1000);
  for (const name of [`${HEX}.image`, "wick-1.spool", "wick-2.claim"]) {
    writeFileSync(tmp(name), "left");
    utimesSync(tmp(name), future, future);
  }
  mkdirSync(tmp("wick-clone-x"));
  await use();
  expect(readdirSync(join(directory, "tmp"))).toEqual([]);
});

test("S14 what is locked stays, however old, and so does everything while a command works", async () => {
  const past = new Date(0);
  const names = [`${HEX}.image`, `${HEX}.part`, "wick-1.spool"];
  const locks = await Promise.all(
    names.map((name) => tryLockFile(tmp(name), { mode: "exclusive" })),
  );
  for (const name of names) utimesSync(tmp(name), past, past);
  await use();
  expect(readdirSync(join(directory, "tmp"))).toEqual(names);
  const working = await store.use();
  for (const lock of locks) lock![Symbol.dispose]();
  await use();
  expect(readdirSync(join(directory, "tmp"))).toEqual(names);
  working[Symbol.dispose]();
  await use();
  expect(readdirSync(join(directory, "tmp"))).toEqual([]);
});

test("a part of a blob waits for its next attempt, but not for ever", async () => {
  writeFileSync(tmp(`${HEX}.part`), "half");
  await use();
  expect(readdirSync(join(directory, "tmp"))).toEqual([`${HEX}.part`]);
  const longAgo = new Date(Date.now() - 8 * 24 * 3600 * 1000);
  utimesSync(tmp(`${HEX}.part`), longAgo, longAgo);
  await use();
  expect(readdirSync(join(directory, "tmp"))).toEqual([]);
});

test("what a command that is gone claimed elsewhere is removed with the claim", async () => {
  const outside = join(directory, "outside");
  const run = join(outside, "wick-run-Ab12");
  const output = join(outside, ".x.ext4.wick-0123456789ab.tmp");
  mkdirSync(run, { recursive: true });
  writeFileSync(join(run, "overlay.ext4"), "");
  writeFileSync(output, "");
  const live = await store.claim(run);
  const claim = readdirSync(join(directory, "tmp"))[0]!;
  writeFileSync(tmp("wick-9.claim"), JSON.stringify({ path: output }));
  await use();
  expect(existsSync(output)).toBe(false);
  expect(existsSync(run)).toBe(true);
  expect(readdirSync(join(directory, "tmp"))).toEqual([claim]);
  const text = readFileSync(tmp(claim), "utf8");
  live[Symbol.dispose]();
  expect(readdirSync(join(directory, "tmp"))).toEqual([]);
  writeFileSync(tmp(claim), text);
  await use();
  expect(readdirSync(outside)).toEqual([]);
});

test("a claimed cgroup goes once it is empty, and the claim stays with one that is not", async () => {
  const group = join(directory, "cgroup/wick-0123456789ab");
  mkdirSync(join(group, "busy"), { recursive: true });
  const claim = JSON.stringify({ path: join(directory, "jails/wick-0123456789ab"), group });
  writeFileSync(tmp("wick-9.claim"), claim);
  await use();
  expect(existsSync(join(group, "busy"))).toBe(true);
  expect(readdirSync(join(directory, "tmp"))).toEqual(["wick-9.claim"]);
  rmdirSync(join(group, "busy"));
  await use();
  expect(existsSync(group)).toBe(false);
  expect(readdirSync(join(directory, "tmp"))).toEqual([]);
});

test("a claim of a TAP waits where its network is another one, and goes with the boot it was of", async () => {
  const claim = await store.claimTap();
  const file = readdirSync(join(directory, "tmp"))[0]!;
  expect(claim.name).toMatch(/^wick-[0-9a-f]{8}$/);
  expect(Buffer.from(claim.alias).length).toBeLessThan(256); // IFALIASZ
  expect(claim.alias).toContain(file);
  const record = JSON.parse(readFileSync(tmp(file), "utf8")) as object;
  claim[Symbol.dispose]();
  const left = async (changes: object): Promise<boolean> => {
    writeFileSync(tmp(file), JSON.stringify({ ...record, ...changes }));
    await use();
    return existsSync(tmp(file));
  };
  expect(await left({ network: "net:[1]" })).toBe(true);
  expect(await left({ network: "net:[1]", boot: "an earlier one" })).toBe(false);
  // A name that is none of ours is nobody's business, wherever it is.
  expect(await left({ network: "net:[1]", tap: "eth0" })).toBe(false);
  // It was never made, or is gone.
  expect(await left({})).toBe(false);
});

test("a claim that names anything but a temporary of wick's removes nothing", async () => {
  const precious = join(directory, "precious");
  mkdirSync(precious);
  for (const text of [
    JSON.stringify({ path: precious }),
    JSON.stringify({ path: "/nonexistent/wick-9", group: precious }),
    '{"path":"wick-x"}',
    "",
    "[]",
    "null",
  ]) {
    writeFileSync(tmp("wick-9.claim"), text);
    await use();
    expect(existsSync(precious)).toBe(true);
    expect(readdirSync(join(directory, "tmp"))).toEqual([]);
  }
});

test("what was half published is swept: records, names, kernels, images without a record", async () => {
  for (const path of [`images/${HEX}/.image.json.wick-12.tmp`, "names/.x.json.wick-12.tmp"]) {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), "");
  }
  writeFileSync(join(directory, `images/${HEX}/root.image`), "");
  mkdirSync(join(directory, "kernels/wick-new-x"), { recursive: true });
  mkdirSync(join(directory, "kernels/kept"));
  await use();
  expect(readdirSync(join(directory, "images"))).toEqual([]);
  expect(readdirSync(join(directory, "names"))).toEqual([]);
  expect(readdirSync(join(directory, "kernels"))).toEqual(["kept"]);
});

test("a spool goes with its owner", async () => {
  const spool = await store.spool();
  spool.write(Buffer.from("some "));
  spool.write(Buffer.from("bytes"));
  expect(spool.sizeBytes).toBe(10);
  expect(readFileSync(spool.path, "utf8")).toBe("some bytes");
  await use();
  expect(existsSync(spool.path)).toBe(true);
  spool[Symbol.dispose]();
  expect(readdirSync(join(directory, "tmp"))).toEqual([]);
});
