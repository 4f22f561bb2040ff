import { expect, test } from "vitest";
import { display, utf8 } from "../bytes/index.ts";
import {
  lookupPath,
  walkImage,
  type ImageEntry,
  type ImageNode,
  type ImageStat,
} from "./image-reader.ts";

/** An image whose directories hold what `list` says, each said to have `size` bytes. */
function fake(list: (id: number) => ImageEntry[], size = 0, sizeBytes = 1000) {
  const root: ImageNode = { id: 0, kind: "directory" };
  const stat = (node: ImageNode): ImageStat => ({
    kind: node.kind,
    size,
    nlink: 1,
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    xattrs: [],
  });
  return { root, sizeBytes, stat, list: (node: ImageNode) => list(node.id) };
}

const directory = (name: string, id: number): ImageEntry => ({
  name: utf8(name),
  node: { id, kind: "directory" },
});

const walk = (image: ReturnType<typeof fake>): string[] =>
  Array.from(walkImage(image, image.root), ({ path }) => display(path));

test("a walk visits parents before children, siblings in the order of their list", () => {
  const entries = [[directory("b", 1), directory("c", 2)], [directory("a", 3)], [], []];
  expect(walk(fake((id) => entries[id]!))).toEqual(["b", "b/a", "c"]);
});

test("a walk ends where a directory is met again", () => {
  expect(() => walk(fake(() => [directory("again", 0)]))).toThrow(/several names/);
});

test("a walk ends where directories have more bytes than their image", () => {
  const endless = fake((id) => [directory("deeper", id + 1)], 100);
  expect(() => walk(endless)).toThrow(/more directories than the image can hold/);
});

test("a walk ends at a path of 64 KiB", () => {
  const deep = fake((id) => [directory("d".repeat(255), id + 1)]);
  expect(() => walk(deep)).toThrow(/a path of 65\d{3} bytes/);
});

test("a walk takes no more than two million names into memory", () => {
  const file: ImageEntry = { name: utf8("f"), node: { id: 1, kind: "file" } };
  const many = Array.from({ length: (1 << 21) + 1 }, () => file);
  expect(() => walk(fake(() => many))).toThrow(/too many names/);
});

test("a lookup follows no more than forty symlinks", () => {
  const chain = (length: number) => ({
    root: { id: 0, kind: "directory" } as const,
    find: (_: ImageNode, name: Uint8Array): ImageNode => {
      const id = Number(display(name));
      return { id, kind: id === length ? "file" : "symlink" };
    },
    readlink: ({ id }: ImageNode) => utf8(String(id + 1)),
  });
  expect(lookupPath(chain(40), utf8("0")).kind).toBe("file");
  expect(() => lookupPath(chain(41), utf8("0"))).toThrow(
    expect.objectContaining({ code: "PATH_LOOP" }),
  );
});
