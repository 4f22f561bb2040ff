/**
 * Images whose directories are links: what wick adds lies where the guest's kernel looks, as the
 * kernel itself says with the image as its root, and nothing leaves the tree.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { ResolvedProcess } from "../../src/application/index.ts";
import { utf8 } from "../../src/bytes/index.ts";
import { createExt4 } from "../../src/formats/ext4/index.ts";
import { FileStorage } from "../../src/host/index.ts";
import { installInit, type InitRequest } from "../../src/shaping/index.ts";
import { Tree, type Sink } from "../../src/tree/index.ts";
import { canMount, e2fsck, mountImage } from "../support/ext4-image.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";
import { TreeMaker } from "../support/tree-maker.ts";

/** A static program that prints the files it is given; it runs with the image as its root. */
let reader: Uint8Array;

beforeAll(() => {
  const program = join(lastingDirectory(), "reader");
  const source =
    '#include <stdio.h>\nint main(int n, char **v) { for (int i = 1; i < n; i++) { FILE *f = fopen(v[i], "r"); ' +
    "if (!f) { perror(v[i]); return 1; } int c; while ((c = getc(f)) != EOF) putchar(c); putchar(10); } return 0; }";
  execFileSync("cc", ["-static", "-O1", "-x", "c", "-", "-o", program], { input: source });
  reader = readFileSync(program);
});

const wick: InitRequest = {
  kind: "wick",
  binary: utf8("the init of wick"),
  records: utf8("the records"),
  config: { Cmd: ["app"] },
};

const application: ResolvedProcess = {
  argv: ["/app"],
  env: [],
  directory: "/",
  uid: 0,
  gid: 0,
  groups: [],
  stopSignal: 15,
  hostname: "host-of-wick",
};
const script: InitRequest = { kind: "script", process: application, files: {} };

/** Links, by path from the root; parents that are missing are made. */
type Links = Readonly<Record<string, string>>;

const images: Readonly<Record<string, Links>> = {
  "no links": {},
  "a merged /usr": { sbin: "usr/sbin", bin: "usr/bin", lib: "usr/lib" },
  "absolute links": { sbin: "/usr/sbin", etc: "/usr/etc", dev: "/usr/dev", tmp: "/var/tmp" },
  "links above the root": { sbin: "../../../../usr/sbin", etc: "../../..//etc2", dev: "../dev2" },
  "links through links": { sbin: "s1", s1: "/s2", s2: "../usr/sbin", etc: "e1", e1: "./e2/.." },
  "links into /proc": { sbin: "/proc/self/root", etc: "/proc/1/cwd/etc", run: "proc/run" },
  "/sbin/init elsewhere": { "sbin/init": "/etc/passwd" },
  "/sbin/init above the root": { "sbin/init": "../../../../../../etc/shadow" },
  "/.wick elsewhere": { ".wick": "/etc" },
  "names of files elsewhere": { "etc/resolv.conf": "../../../etc/shadow", "etc/hosts": "/nowhere" },
};

function fill(make: TreeMaker, sink: Sink, links: Links, request: InitRequest): void {
  make.file(Tree.ROOT, "reader", reader, { mode: 0o755 });
  make.file(Tree.ROOT, "bin-sh", reader, { mode: 0o755 });
  for (const [path, target] of Object.entries(links)) {
    const [name, below] = path.split("/") as [string, string | undefined];
    if (below === undefined) make.symlink(Tree.ROOT, name, target);
    else {
      const found = make.tree.lookup(Tree.ROOT, utf8(name));
      make.symlink(found >= 0 ? found : make.directory(Tree.ROOT, name), below, target);
    }
  }
  if (request.kind === "script") {
    const bin = make.tree.lookup(Tree.ROOT, utf8("bin"));
    if (bin < 0) make.symlink(make.directory(Tree.ROOT, "bin"), "sh", "/bin-sh");
    else make.symlink(make.directory(make.directory(Tree.ROOT, "usr"), "bin"), "sh", "/bin-sh");
  }
  installInit(make.tree, sink, request);
}

/** Writes an image of the links, shaped by `request`. */
function makeImage(links: Links, request: InitRequest): string {
  const path = join(temporaryDirectory(), "x.ext4");
  using storage = new FileStorage(path, "create");
  const options = { journal: false, uuid: new Uint8Array(16), warn: () => undefined };
  const writer = createExt4(storage, { ...options, sizeBytes: "min" });
  const make = new TreeMaker(writer.sink);
  fill(make, writer.sink, links, request);
  writer.finish(make.tree);
  return path;
}

/** What a process that has the image as its root reads at `paths`, a line each. */
function readInside(image: string, ...paths: string[]): string[] {
  expect(e2fsck(image)).toMatchObject({ status: 0 });
  using mount = mountImage(image);
  const output = execFileSync("chroot", [mount.root, "/reader", ...paths], { encoding: "utf8" });
  return output.split("\n");
}

for (const [name, links] of Object.entries(images)) {
  test.skipIf(!canMount)(`A12: with ${name} the kernel finds wick's init and its records`, () => {
    const image = makeImage(links, wick);
    const [init, records] = readInside(image, "/sbin/init", "/.wick/init.rec");
    expect([init, records]).toEqual(["the init of wick", "the records"]);
  });

  test.skipIf(!canMount)(
    `with ${name} the kernel finds the script, and files only where none were`,
    () => {
      const image = makeImage(links, script);
      expect(readInside(image, "/sbin/init")[0]).toBe("#!/bin/sh");
      if ("etc/hosts" in links) {
        using mount = mountImage(image);
        expect(readlinkSync(join(mount.root, "etc/hosts"))).toBe(links["etc/hosts"]);
        expect(readlinkSync(join(mount.root, "etc/resolv.conf"))).toBe(links["etc/resolv.conf"]);
        expect(existsSync(join(mount.root, "nowhere"))).toBe(false);
      } else {
        expect(readInside(image, "/etc/hosts").join()).toContain("host-of-wick");
      }
    },
  );
}

test("A12: links in a circle are an error, whichever directory they stand for", () => {
  for (const name of ["sbin", "etc", "dev", "proc", "sys", "run", "tmp"]) {
    for (const request of [wick, script]) {
      const links = { [name]: "circle", circle: name };
      expect(() => makeImage(links, request), name).toThrow(/symlinks/);
    }
  }
  expect(() => makeImage({ "sbin/init": "/sbin/init" }, wick)).toThrow(/symlinks/);
});

test("a file in the place of a directory is an error", () => {
  for (const name of ["sbin", "etc", "dev", "tmp"]) {
    expect(() => makeImage({ [name]: "/reader" }, wick), name).toThrow(/no directory/);
  }
});
