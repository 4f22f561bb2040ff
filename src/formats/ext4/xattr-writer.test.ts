import { expect, test } from "vitest";
import { utf8 } from "../../bytes/index.ts";
import { aclToDisk } from "./acl.ts";
import { placeXattrs } from "./xattr-writer.ts";

const xattr = (name: string, length: number): { name: Uint8Array; value: Uint8Array } => ({
  name: utf8(name),
  value: new Uint8Array(length),
});
const noWarning = (problem: string): void => expect.unreachable(problem);

test("attributes go into the inode while there is room, then into the block", () => {
  const names = (attributes: readonly { readonly name: Uint8Array }[]): string[] =>
    attributes.map(({ name }) => new TextDecoder().decode(name));
  const fits = placeXattrs([xattr("user.abcd", 68)], noWarning);
  expect([names(fits.inline), names(fits.block)]).toEqual([["abcd"], []]);
  const not = placeXattrs([xattr("user.abcd", 69)], noWarning);
  expect([names(not.inline), names(not.block)]).toEqual([[], ["abcd"]]);
  const both = placeXattrs(
    [xattr("user.b", 68), xattr("user.a", 300), xattr("user.c", 4)],
    noWarning,
  );
  expect([names(both.inline), names(both.block)]).toEqual([["b"], ["a", "c"]]);
});

test("what fits neither the inode nor one block is refused", () => {
  expect(placeXattrs([xattr("user.b", 4040)], noWarning).block).toHaveLength(1);
  expect(() => placeXattrs([xattr("user.b", 4041)], noWarning)).toThrow(/4064 bytes.*4060/);
});

test("a hundred thousand attributes of one file are refused in linear time", () => {
  const many = Array.from({ length: 100_000 }, (_, i) => xattr(`user.${i}`, 1));
  const started = performance.now();
  expect(() => placeXattrs(many, noWarning)).toThrow(/ext4 has 88 in the inode/);
  expect(performance.now() - started).toBeLessThan(5000);
});

test("names that Linux does not have are left out with a warning, of doubles the last is kept", () => {
  const warnings: string[] = [];
  const placed = placeXattrs(
    [
      xattr("apple.x", 1),
      xattr("user.", 1),
      xattr("system.data", 1),
      xattr("user.a", 1),
      xattr("user.a", 2),
    ],
    (problem) => void warnings.push(problem),
  );
  expect(placed.inline.map(({ value }) => value.length)).toEqual([2]);
  expect(warnings).toHaveLength(3);
});

test("an ACL loses the ids that mean nothing", () => {
  const uapi = Buffer.from("020000000100070 0ffffffff02000500e8030000".replace(" ", ""), "hex");
  expect(Buffer.from(aclToDisk(uapi)).toString("hex")).toBe("010000000100070002000500e8030000");
});

test("an ACL that is none is refused", () => {
  for (const hex of [
    "",
    "0200",
    "0100000001000700ffffffff",
    "0200000003000700ffffffff",
    "020000000100",
  ]) {
    expect(() => aclToDisk(Buffer.from(hex, "hex")), hex).toThrow(/Cannot store a POSIX ACL/);
  }
});
