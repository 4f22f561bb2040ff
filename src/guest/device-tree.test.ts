import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { lastingDirectory, temporaryDirectory } from "../../test/support/temporary-directory.ts";
import {
  addressValue,
  encodeDeviceTree,
  readDeviceTree,
  textValue,
  type DeviceNode,
  type DeviceTree,
} from "../formats/fdt/index.ts";

const stubs = fileURLToPath(new URL("stubs", import.meta.url));
const main = fileURLToPath(
  new URL("../../test/support/guest/extend-device-tree.c", import.meta.url),
);

let program: string;

beforeAll(() => {
  program = join(lastingDirectory(), "extend");
  const flags = ["-std=c11", "-g", "-O1", "-fsanitize=address,undefined"];
  const more = ["-fno-sanitize-recover=all", "-Wall", "-Wextra", "-Werror", `-I${stubs}`];
  const sources = [main, join(stubs, "device-tree.c")];
  execFileSync(process.env["CC"] ?? "cc", [...flags, ...more, "-o", program, ...sources]);
});

interface Line {
  readonly before?: string;
  readonly after?: string;
  readonly room?: number;
}

/** What the stub makes of each tree; empty where it leaves the tree alone. */
function extend(trees: readonly Uint8Array[], line: Line = {}): Uint8Array[] {
  const { room = 65536, before = "", after = "" } = line;
  const input = trees.flatMap((tree) => [new Uint8Array(Uint32Array.of(tree.length).buffer), tree]);
  const { status, stdout, stderr } = spawnSync(program, [`${room}`, before, after], {
    input: Buffer.concat(input),
    maxBuffer: 1 << 28,
  });
  expect(stderr.toString()).toBe("");
  expect(status).toBe(0);
  const results = [];
  for (let at = 0; at < stdout.length;) {
    const length = stdout.readUInt32LE(at);
    results.push(stdout.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  expect(results.length).toBe(trees.length);
  return results;
}

function treeWith(chosen: DeviceNode["properties"] | undefined): DeviceTree {
  const leaf = { name: "cpu@0", properties: [], children: [] };
  const inner = {
    name: "chosen",
    properties: [{ name: "x", value: textValue("y") }],
    children: [],
  };
  const cpus = { name: "cpus", properties: [], children: [leaf, inner] };
  const node = { name: "chosen", properties: chosen ?? [], children: [leaf] };
  return {
    reservations: [{ address: 1n, size: 2n }],
    bootCpu: 3,
    root: {
      name: "",
      properties: [{ name: "model", value: textValue("m") }],
      children: chosen === undefined ? [cpus] : [cpus, node],
    },
  };
}

const initrd = [
  { name: "linux,initrd-start", value: addressValue(0x123456780n) },
  { name: "linux,initrd-end", value: addressValue(0x123459999n) },
];
const bootargs = (text: string) => ({ name: "bootargs", value: textValue(text) });

/** Values are views of larger buffers: compared as bytes of their own. */
function plain(node: DeviceNode): unknown {
  const properties = node.properties.map(({ name, value }) => [name, [...value]]);
  return { name: node.name, properties, children: node.children.map((child) => plain(child)) };
}

function expectTree(bytes: Uint8Array, wanted: DeviceTree): void {
  const tree = readDeviceTree(bytes);
  expect(tree.reservations).toEqual(wanted.reservations);
  expect(tree.bootCpu).toBe(wanted.bootCpu);
  expect(plain(tree.root)).toEqual(plain(wanted.root));
}

test("the initramfs and the joined command line are in /chosen, all else is as it was", () => {
  const given = treeWith([bootargs("quiet"), { name: "other", value: textValue("kept") }]);
  const [bytes] = extend([encodeDeviceTree(given)], { before: "console=x ", after: "-- a" });
  const other = { name: "other", value: textValue("kept") };
  expectTree(bytes!, treeWith([bootargs("console=x quiet -- a"), ...initrd, other]));
});

test("an initramfs that the loader gave is replaced; fdtget and fdtdump agree", () => {
  const old = { name: "linux,initrd-start", value: new Uint8Array([0, 1, 2, 3]) };
  const [bytes] = extend([encodeDeviceTree(treeWith([old, ...initrd.slice(1)]))]);
  expectTree(bytes!, treeWith(initrd));
  const path = join(temporaryDirectory(), "tree.dtb");
  writeFileSync(path, bytes!);
  const get = (...words: string[]) =>
    execFileSync("fdtget", [path, ...words], { encoding: "utf8", stdio: "pipe" }).trim();
  expect(get("-t", "x", "/chosen", "linux,initrd-start")).toBe("1 23456780");
  expect(get("-t", "x", "/chosen", "linux,initrd-end")).toBe("1 23459999");
  expect(execFileSync("fdtdump", [path], { encoding: "utf8", stdio: "pipe" })).toContain(
    "chosen {",
  );
  writeFileSync(path, Buffer.from(bytes!).fill(0, 36, 40)); // size_dt_struct
  expect(() => get("-t", "x", "/chosen", "linux,initrd-start")).toThrow();
});

test("a tree without /chosen gets one, behind what the root has", () => {
  const [bytes] = extend([encodeDeviceTree(treeWith(undefined))], { before: "a " });
  const given = treeWith(undefined);
  const chosen = { name: "chosen", properties: [bootargs("a "), ...initrd], children: [] };
  const root = { ...given.root, children: [...given.root.children, chosen] };
  expectTree(bytes!, { ...given, root });
});

test.each([
  ["", "", "quiet -- x", "quiet -- x"],
  ["a ", "", "quiet -- x", "a quiet -- x"],
  ["a ", "-- w", "quiet", "a quiet -- w"],
  ["a ", "-- w", "quiet -- x y", "a quiet -- w x y"],
  ["a ", "-- w", "-- x", "a -- w x"],
  ["a ", "-- w", "quiet --", "a quiet -- w"],
  ["", "-- w", 'b="c -- d" e', 'b="c -- d" e -- w'],
  ["", "-- w", "x--y --z", "x--y --z -- w"],
  ["", "-- w", "", "-- w"],
])("the command line %j, %j and the loader's %j make %j", (before, after, loaders, wanted) => {
  const tree = encodeDeviceTree(treeWith([bootargs(loaders)]));
  const [bytes] = extend([tree], { before, after });
  expectTree(bytes!, treeWith([bootargs(wanted), ...initrd]));
});

test("bad magic, an absurd size, another version or too little room leave the tree alone", () => {
  const good = encodeDeviceTree(treeWith([bootargs("quiet")]));
  const changed = (offset: number, value: number) => {
    const bytes = good.slice();
    new DataView(bytes.buffer).setUint32(offset, value);
    return bytes;
  };
  const bad = [
    changed(0, 0xdeadbeef),
    changed(4, 0x7fffffff), // totalsize
    changed(4, (2 << 20) + 1),
    changed(4, 16),
    changed(8, 0xfffffffc), // off_dt_struct
    changed(12, 0xffffffff), // off_dt_strings
    changed(16, 0xfffffff0), // off_mem_rsvmap
    changed(20, 16), // version
    changed(32, 0xffffffff), // size_dt_strings
    changed(36, 0xffffffff), // size_dt_struct
  ];
  expect(extend(bad).map(({ length }) => length)).toEqual(bad.map(() => 0));
  const [whole] = extend([good]);
  expect(whole!.length).toBeGreaterThan(0);
  for (const room of [0, 1, 40, 64, whole!.length - 1]) {
    expect(extend([good], { room })[0]!.length).toBe(0);
  }
  expect(extend([good], { room: whole!.length })[0]).toEqual(whole);
});

test("K9: damaged and cut trees are refused or make a tree that reads, never an access astray", () => {
  const good = encodeDeviceTree(treeWith([bootargs("quiet -- x"), ...initrd]));
  const position = fc.oneof(fc.nat(good.length - 1), fc.nat(39));
  const changes = fc.array(fc.tuple(position, fc.nat(255)), { minLength: 1, maxLength: 8 });
  const damaged = fc.sample(changes, { numRuns: 5000, seed: 5 }).map((list) => {
    const bytes = good.slice();
    for (const [at, byte] of list) bytes[at] = byte;
    return bytes;
  });
  const cut = Array.from({ length: good.length }, (_, n) => good.subarray(0, n));
  const results = extend([...damaged, ...cut], { before: "a ", after: "-- b" });
  const made = results.filter(({ length }) => length > 0);
  expect(made.length).toBeGreaterThan(100);
  for (const bytes of made) readDeviceTree(bytes);
});
