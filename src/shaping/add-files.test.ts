import { expect, test } from "vitest";
import { codeOf } from "../../test/support/failures.ts";
import { utf8 } from "../bytes/index.ts";
import { MemorySink, playTree, Tree, Unpacker, type Layer } from "../tree/index.ts";
import { listing, text } from "../../test/support/trees.ts";
import { additionTarget, addFileStream, parseAddition, relocated } from "./add-files.ts";
import { addFile, addSymlink, ensureDirectory, readFile } from "./files.ts";

test("the last colon splits, the path is absolute", () => {
  expect(parseAddition("./a:b:/srv/x")).toEqual({ file: "./a:b", path: "/srv/x" });
  for (const wrong of ["", "a", ":/x", "a:", "a:x", "a:./x", "a:/x\0"]) {
    expect([wrong, codeOf(() => parseAddition(wrong))]).toEqual([wrong, "USAGE"]);
  }
});

test("a file goes into a directory, or becomes the path; a directory's contents go into it", () => {
  const { tree, sink } = { tree: new Tree(), sink: new MemorySink() };
  ensureDirectory(tree, "/srv/www");
  addFile(tree, sink, "/srv/file", utf8("x"));
  addSymlink(tree, sink, "/web", "srv/www");
  const target = (file: string, path: string, kind: "file" | "directory" = "file") =>
    additionTarget(tree, { file, path }, kind);
  expect(target("site/index.html", "/srv/www")).toBe("/srv/www/index.html");
  expect(target("index.html", "/srv/www/")).toBe("/srv/www/index.html");
  expect(target("index.html", "/web")).toBe("/web/index.html");
  expect(target("index.html", "/new/")).toBe("/new/index.html");
  expect(target("index.html", "/new")).toBe("/new");
  expect(target("index.html", "/srv/file")).toBe("/srv/file");
  expect(target("index.html", "/")).toBe("/index.html");
  expect(target("site/", "/srv/www", "directory")).toBe("/srv/www");
  expect(target("site", "/new", "directory")).toBe("/new");
  expect(codeOf(() => target("site", "/srv/file", "directory"))).toBe("PATH_CONFLICT");
  expect(codeOf(() => target("..", "/srv/www"))).toBe("USAGE");
});

test("a streamed file replaces a link, and its size is checked", async () => {
  const { tree, sink } = { tree: new Tree(), sink: new MemorySink() };
  addSymlink(tree, sink, "/etc/resolv.conf", "/run/stub");
  const add = (sizeBytes: number) =>
    addFileStream(
      tree,
      sink,
      "/etc/resolv.conf",
      { sizeBytes, chunks: [utf8("name"), utf8("server")] },
      { mode: 0o640 },
    );
  await add(10);
  expect(listing(tree)).toEqual(["directory 0755 0:0 0 /etc", "file 0640 0:0 0 /etc/resolv.conf"]);
  expect(text(readFile(tree, sink, "/etc/resolv.conf", 99))).toBe("nameserver");
  await expect(add(11)).rejects.toMatchObject({ code: "SOURCE_FAILED" });
  await expect(add(9)).rejects.toMatchObject({ code: "SOURCE_FAILED" });
});

test("a directory's layer moves below a path, owners root's, times fixed, hard links too", async () => {
  const from = { tree: new Tree(), sink: new MemorySink() };
  const attributes = { mode: 0o750, uid: 1000, gid: 1000, mtime: { seconds: 99, nanoseconds: 5 } };
  const ino = addFile(from.tree, from.sink, "/sub/index.html", utf8("page"), attributes);
  from.tree.link(Tree.ROOT, utf8("same.html"), ino);
  const layer: Layer = {
    name: "site",
    play(visitor) {
      playTree(from.tree, from.sink, visitor);
      return Promise.resolve();
    },
  };
  const { tree, sink } = { tree: new Tree(), sink: new MemorySink() };
  ensureDirectory(tree, "/srv/www", { mode: 0o711, uid: 7 });
  const unpacker = new Unpacker({ tree, sink, warn: (message) => expect.unreachable(message) });
  await relocated(layer, "/srv/www/", { mtimeSeconds: 3 }).play(unpacker);
  unpacker.finish();
  expect(listing(tree).slice(1)).toEqual([
    "directory 0711 7:0 0 /srv/www",
    "file 0750 0:0 3 /srv/www/same.html",
    "directory 0755 0:0 3 /srv/www/sub",
    "file 0750 0:0 3 /srv/www/sub/index.html",
  ]);
  expect(text(readFile(tree, sink, "/srv/www/same.html", 9))).toBe("page");
});
