import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { isWickError } from "../../errors/index.ts";
import {
  addressValue,
  encodeDeviceTree,
  readDeviceTree,
  textValue,
  type DeviceTree,
} from "./index.ts";

const sample: DeviceTree = {
  reservations: [{ address: 0x4000_0000n, size: 0x1000n }],
  bootCpu: 0,
  root: {
    name: "",
    properties: [{ name: "compatible", value: textValue("a,board", "a,family") }],
    children: [
      {
        name: "chosen",
        properties: [
          { name: "bootargs", value: textValue("console=ttyAMA0") },
          { name: "linux,initrd-start", value: addressValue(0x4800_0000n) },
          { name: "empty", value: new Uint8Array(0) },
        ],
        children: [],
      },
      { name: "memory@40000000", properties: [], children: [] },
    ],
  },
};

function fdtget(bytes: Uint8Array, ...words: string[]): string {
  const path = join(temporaryDirectory(), "tree.dtb");
  writeFileSync(path, bytes);
  return execFileSync("fdtget", [path, ...words], { encoding: "utf8", stdio: "pipe" }).trim();
}

test("fdtget finds in a written tree what was put into it", () => {
  const bytes = encodeDeviceTree(sample);
  expect(fdtget(bytes, "/", "compatible")).toBe("a,board a,family");
  expect(fdtget(bytes, "/chosen", "bootargs")).toBe("console=ttyAMA0");
  expect(fdtget(bytes, "-t", "x", "/chosen", "linux,initrd-start")).toBe("0 48000000");
  expect(fdtget(bytes, "-l", "/")).toBe("chosen\nmemory@40000000");
  bytes[0] = 0;
  expect(() => fdtget(bytes, "/", "compatible")).toThrow("BADMAGIC");
});

test("what dtc compiles is read; what is read and written again, dtc shows the same", () => {
  const directory = temporaryDirectory();
  const [source, compiled, again] = ["a.dts", "a.dtb", "b.dtb"].map((n) => join(directory, n));
  writeFileSync(
    source!,
    '/dts-v1/; /memreserve/ 0x1000 0x2000; / { #address-cells = <2>; a = "x", "y"; ' +
      "b { c = [01 02 03]; d; e { f = <1 2>; }; }; };",
  );
  execFileSync("dtc", ["-q", "-o", compiled!, source!]);
  const tree = readDeviceTree(readFileSync(compiled!));
  expect(tree.reservations).toEqual([{ address: 0x1000n, size: 0x2000n }]);
  expect(tree.root.children[0]!.children[0]!.properties[0]!.name).toBe("f");
  writeFileSync(again!, encodeDeviceTree(tree));
  const show = (path: string) =>
    execFileSync("dtc", ["-q", "-I", "dtb", "-O", "dts", path], { encoding: "utf8" });
  expect(show(again!)).toBe(show(compiled!));
  expect(spawnSync("fdtdump", [again!], { encoding: "utf8" }).stdout).toContain('a = "x", "y"');
});

test("what is written is read back", () => {
  expect(readDeviceTree(encodeDeviceTree(sample))).toEqual(sample);
});

/** The error is ours, or there is none. */
function readSafely(bytes: Uint8Array): boolean {
  try {
    readDeviceTree(bytes);
    return true;
  } catch (error) {
    if (!isWickError(error, "IMAGE_INVALID")) throw error;
    return false;
  }
}

test("K9: every truncation of a tree is one clear error", () => {
  const bytes = encodeDeviceTree(sample);
  for (let n = 0; n < bytes.length; n++) expect(readSafely(bytes.subarray(0, n))).toBe(false);
});

test("K9: a damaged tree is read or refused, never more", () => {
  const bytes = encodeDeviceTree(sample);
  const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1 });
  fc.assert(
    fc.property(changes, (list) => {
      const damaged = bytes.slice();
      for (const [at, byte] of list) damaged[at] = byte;
      readSafely(damaged);
    }),
    { numRuns: 2000 },
  );
});

test("K9: a tree of a thousand levels is refused", () => {
  let node = { name: "x", properties: [], children: [] as DeviceTree["root"][] };
  for (let i = 0; i < 1000; i++) node = { name: "x", properties: [], children: [node] };
  expect(readSafely(encodeDeviceTree({ ...sample, root: { ...node, name: "" } }))).toBe(false);
});
