/** For tests: EROFS images on disk, and other people's tools that judge them. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  createErofs,
  type ErofsOptions,
  type ErofsSummary,
} from "../../src/formats/erofs/index.ts";
import { FileStorage } from "../../src/host/index.ts";
import type { Sink, Tree } from "../../src/tree/index.ts";
import { fullManifest, type Mount, type Verdict } from "./ext4-image.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { TreeMaker } from "./tree-maker.ts";

export const UUID = Uint8Array.from({ length: 16 }, (_, i) => 0x11 * i);

/** An image that a test has written, and what went into it. */
export interface BuiltErofs {
  readonly path: string;
  readonly tree: Tree;
  readonly sink: Sink;
  readonly summary: ErofsSummary;
  readonly warnings: readonly string[];
  /** What kernelManifest should find, as read back through the sink. */
  expected(): string[];
}

/** Writes an image of what `fill` makes; it is removed with the test. */
export function buildErofs(
  fill: (make: TreeMaker) => void,
  { compare = true, ...options }: Partial<ErofsOptions> & { readonly compare?: boolean } = {},
): BuiltErofs {
  const path = join(temporaryDirectory(), "image.erofs");
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  using storage = new FileStorage(path, "create");
  const writer = createErofs(storage, { uuid: UUID, warn, ...options });
  const make = new TreeMaker(writer.sink);
  fill(make);
  const { tree } = make;
  const manifest = compare ? fullManifest(tree, writer.sink, { makesLostFound: false }) : [];
  const summary = writer.finish(tree);
  return { path, tree, sink: writer.sink, summary, warnings, expected: () => manifest };
}

/** Mounts an image read-only through a loop device; needs root. */
export function mountReadOnly(path: string, type: "erofs" | "squashfs"): Mount {
  const root = `${path}.mounted`;
  mkdirSync(root, { recursive: true });
  execFileSync("mount", ["-t", type, "-o", "loop,ro", path, root]);
  const device = execFileSync("findmnt", ["-n", "-o", "SOURCE", root], { encoding: "utf8" }).trim();
  return {
    root,
    device,
    [Symbol.dispose]() {
      execFileSync("umount", [root]);
      rmSync(root, { recursive: true });
    },
  };
}

/** A full check of an EROFS image; status 0 is clean. It ends with 0 after some errors, too. */
export function fsckErofs(path: string): Verdict {
  const options = { encoding: "utf8", maxBuffer: 1 << 28 } as const;
  const { status, stdout, stderr } = spawnSync("fsck.erofs", ["--extract", path], options);
  const output = stdout + stderr;
  return { status: output.includes("<E>") ? 1 : status, output };
}

/** What dump.erofs says of an image. */
export function dumpErofs(...args: readonly string[]): string {
  return execFileSync("dump.erofs", args, { encoding: "utf8" });
}
