/** For tests: EROFS images on disk, and other people's tools that judge them. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import {
  createErofs,
  type ErofsOptions,
  type ErofsSummary,
} from "../../src/formats/erofs/index.ts";
import { type BuiltImage, buildImage } from "./built-image.ts";
import { fullManifest, type Mount, type Verdict } from "./ext4-image.ts";
import type { TreeMaker } from "./tree-maker.ts";

/** An image of what `fill` makes; without `compare` nothing is read back for what is expected. */
export function buildErofs(
  fill: (make: TreeMaker) => void,
  { compare = true, ...options }: Partial<ErofsOptions> & { readonly compare?: boolean } = {},
): BuiltImage<ErofsSummary> {
  return buildImage(fill, {
    format: "erofs",
    create: (storage, own) => createErofs(storage, { ...own, ...options }),
    manifest: (tree, sink) => (compare ? fullManifest(tree, sink, { makesLostFound: false }) : []),
  });
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
