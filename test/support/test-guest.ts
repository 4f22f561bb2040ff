import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { utf8 } from "../../src/bytes/index.ts";
import { type CpioFile, encodeCpio } from "../../src/formats/cpio/index.ts";

/** A module to be loaded, in order. */
export interface GuestModule {
  readonly bytes: Uint8Array;
}

/** Compiles a first process, or another program, of the tests for this machine's architecture, without any libc of the guest. */
export function compileTestInit(
  name: "test-init" | "grow-init" | "relay-server" = "test-init",
): Uint8Array {
  const source = fileURLToPath(new URL(`guest/${name}.c`, import.meta.url));
  const directory = join(tmpdir(), `cc-${process.pid}`);
  mkdirSync(directory);
  try {
    const program = join(directory, "init");
    execFileSync("cc", ["-static", "-Os", "-s", "-Wall", "-Werror", "-o", program, source]);
    return readFileSync(program);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Writes an initramfs with the tests' first process and `modules`; its path. */
export function writeTestInitrd(
  path: string,
  init: Uint8Array,
  modules: readonly GuestModule[] = [],
): string {
  const node = { uid: 0, gid: 0, mtime: 0 };
  const directory = (name: string): CpioFile => ({
    ...node,
    path: utf8(name),
    kind: "directory",
    mode: 0o755,
  });
  const file = (name: string, contents: Uint8Array): CpioFile => ({
    ...node,
    path: utf8(name),
    kind: "file",
    mode: 0o755,
    contents,
  });
  const names = modules.map((_, index) => `m/${index}.ko`);
  const console = { major: 5, minor: 1 };
  writeFileSync(
    path,
    encodeCpio([
      ...["dev", "sys", "m"].map(directory),
      { ...node, path: utf8("dev/console"), kind: "char", mode: 0o600, rdev: console },
      file("init", init),
      file("modules", utf8(names.map((name) => `/${name}\n`).join(""))),
      ...modules.map(({ bytes }, index) => file(names[index]!, bytes)),
    ]),
  );
  return path;
}
