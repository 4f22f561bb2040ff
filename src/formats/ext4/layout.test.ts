import { expect, test } from "vitest";
import { superblock, groupDescriptor, inode } from "./layout.ts";
import { dxRoot, dirTail } from "./layout-directory.ts";
import { extentHeader } from "./layout-extents.ts";
import { xattrEntry, xattrHeader } from "./layout-xattr.ts";
import { journalSuperblock } from "./layout-journal.ts";

test("every table adds up to the size that the kernel's struct has", () => {
  expect(superblock.sizeBytes).toBe(1024);
  expect(groupDescriptor.sizeBytes).toBe(64);
  expect(inode.sizeBytes).toBe(160);
  expect(dxRoot.sizeBytes).toBe(32);
  expect(dirTail.sizeBytes).toBe(12);
  expect(extentHeader.sizeBytes).toBe(12);
  expect(xattrHeader.sizeBytes).toBe(32);
  expect(xattrEntry.sizeBytes).toBe(16);
  expect(journalSuperblock.sizeBytes).toBe(1024);
});
