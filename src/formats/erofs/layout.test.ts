import { expect, test } from "vitest";
import * as layout from "./layout.ts";

test("every table of EROFS adds up to the size that the kernel's struct has", () => {
  expect(layout.superblock.sizeBytes).toBe(128);
  expect(layout.inodeExtended.sizeBytes).toBe(64);
  expect(layout.inodeCompact.sizeBytes).toBe(32);
  expect(layout.xattrHeader.sizeBytes).toBe(12);
  expect(layout.xattrEntry.sizeBytes).toBe(4);
  expect(layout.dirent.sizeBytes).toBe(12);
  expect(layout.chunkIndex.sizeBytes).toBe(8);
});
