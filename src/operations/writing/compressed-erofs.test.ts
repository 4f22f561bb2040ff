import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { TreeMaker } from "../../../test/support/tree-maker.ts";
import { FileStorage } from "../../host/index.ts";
import { Tree } from "../../tree/index.ts";
import { compressedErofs } from "./compressed-erofs.ts";

const path = process.env["PATH"];
afterEach(() => {
  process.env["PATH"] = path;
});

/** Puts a mkfs.erofs of ours in front, by what `--help` prints and what it then does. */
function fakeTool(help: string, commands: string): void {
  const directory = temporaryDirectory();
  const tool = join(directory, "mkfs.erofs");
  const lines = ["#!/bin/sh", `[ "$1" = --help ] && { echo '${help}'; exit 0; }`, commands];
  writeFileSync(tool, `${lines.join("\n")}\n`);
  chmodSync(tool, 0o755);
  process.env["PATH"] = `${directory}:${path}`;
}

async function build(volumeLabel = "") {
  const output = join(temporaryDirectory(), "image.erofs");
  using storage = new FileStorage(output, "create");
  const uuid = (): Uint8Array => new Uint8Array(16).fill(0x11);
  const compression = { name: "lz4hc", level: 12 };
  const plan = { compression, volumeLabel, mtimeSeconds: 7 };
  const options = { storage, uuid, warn: () => undefined, signal: undefined };
  using writer = compressedErofs(plan, options);
  const make = new TreeMaker(writer.sink);
  make.file(Tree.ROOT, "f", "contents");
  return { written: await writer.finish(make.tree), output };
}

test("a mkfs.erofs that takes directories alone is UNSUPPORTED, with the version wanted", async () => {
  fakeTool("", "exit 1"); // 1.5 prints its help to stderr
  await expect(build()).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringMatching(/wanted erofs-utils 1\.8/),
    hint: expect.stringMatching(/squashfs/),
  });
});

test("a newer mkfs.erofs gets an archive, level, UUID, label and time", async () => {
  const log = join(temporaryDirectory(), "log");
  fakeTool(
    "--tar=X --mkfs-time",
    `echo "$@" > ${log}; cat > ${log}.tar; for last; do :; done; exit 3`,
  );
  await expect(build("name")).rejects.toMatchObject({ code: "TOOL_FAILED" });
  expect(readFileSync(log, "utf8")).toMatch(
    /^--tar=f --quiet -zlz4hc,level=12 -U 11111111-1111-1111-1111-111111111111 -L name -T7 --mkfs-time \/.*image\.erofs\n$/,
  );
  expect(readFileSync(`${log}.tar`).toString("latin1")).toContain("contents");
});

test("a label of 16 bytes is refused: mkfs.erofs keeps one of them", async () => {
  await expect(build("sixteen bytes are")).rejects.toMatchObject({ code: "USAGE" });
});

test("what a newer mkfs.erofs leaves is checked: no EROFS is IMAGE_INVALID", async () => {
  fakeTool("--tar=X --mkfs-time", "cat > /dev/null");
  await expect(build()).rejects.toMatchObject({ code: "IMAGE_INVALID" });
});
