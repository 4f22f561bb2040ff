import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { isWickError } from "../errors/index.ts";
import { orderModules } from "./module-order.ts";
import { builtinNames, moduleName, modulesOfDirectory } from "./module-set.ts";

/** Makes a module's file out of what its .modinfo says, by objcopy. */
function writeModule(
  directory: string,
  name: string,
  lines: readonly string[],
  pack?: string,
): void {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${name}.ko`);
  const info = join(directory, "info");
  writeFileSync(join(directory, "empty.c"), "");
  writeFileSync(info, [...lines, `name=${name}`].map((line) => `${line}\0`).join(""));
  execFileSync("cc", ["-c", "-o", path, join(directory, "empty.c")]);
  execFileSync("objcopy", ["--add-section", `.modinfo=${info}`, path]);
  if (pack !== undefined) execFileSync(pack, ["-q", ...(pack === "zstd" ? ["--rm"] : []), path]);
}

function error(reason: unknown): string {
  expect(isWickError(reason, "KERNEL_INVALID")).toBe(true);
  return (reason as Error).message;
}

test("modules come after what they depend on, whatever their compression, built-ins are left out", async () => {
  const directory = temporaryDirectory();
  const at = (path: string): string => join(directory, "kernel", path);
  writeModule(at("drivers/net"), "virtio_net", ["depends=virtio,net-failover"], "xz");
  writeModule(at("drivers"), "net_failover", ["depends=failover"], "zstd");
  writeModule(at("core"), "failover", ["depends="]);
  writeModule(at("fs"), "ext4", ["depends=jbd2", "softdep=pre: crc32c"], "xz");
  writeModule(at("fs"), "jbd2", []);
  writeModule(at("crypto"), "crc32c_generic", []);
  writeFileSync(join(directory, "modules.builtin"), "kernel/drivers/virtio/virtio.ko\n");
  const wanted = [{ name: "virtio_net" }, { name: "ext4" }, { name: "virtio-rng", optional: true }];
  const ordered = await orderModules(modulesOfDirectory(directory), wanted);
  expect(ordered.map(({ name }) => name)).toEqual([
    "failover",
    "net_failover",
    "virtio_net",
    "crc32c_generic",
    "jbd2",
    "ext4",
  ]);
  for (const { bytes } of ordered) expect(Buffer.from(bytes).toString("latin1", 1, 4)).toBe("ELF");
});

test("a module that is missing is named with who needs it", async () => {
  const directory = temporaryDirectory();
  writeModule(directory, "virtio_net", ["depends=net_failover"]);
  const order = (name: string) =>
    orderModules(modulesOfDirectory(directory), [{ name }]).catch(error);
  expect(await order("virtio_net")).toContain(
    "net_failover is neither there nor built in, and virtio_net needs it",
  );
  expect(await order("overlay")).toContain("overlay is neither there nor built in");
});

test("modules that depend on each other in a circle end", async () => {
  const directory = temporaryDirectory();
  writeModule(directory, "a", ["depends=b"]);
  writeModule(directory, "b", ["depends=a"]);
  const ordered = await orderModules(modulesOfDirectory(directory), [{ name: "a" }]);
  expect(ordered.map(({ name }) => name)).toEqual(["b", "a"]);
});

test("a file that is no module, or a truncated one, is KERNEL_INVALID", async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "a.ko"), "text, not ELF");
  execFileSync("cc", ["-xc", "-c", "-o", join(directory, "b.ko"), "/dev/null"]);
  const order = (name: string) =>
    orderModules(modulesOfDirectory(directory), [{ name }]).catch(error);
  expect(await order("a")).toContain("a.ko");
  expect(await order("b")).toContain("a file without .modinfo");
});

test("names of files and of modules.builtin give the kernel's names", () => {
  expect(moduleName("kernel/drivers/char/hw_random/virtio-rng.ko.xz")).toBe("virtio_rng");
  expect(moduleName("modules.order")).toBeUndefined();
  expect([
    ...builtinNames(Buffer.from("kernel/fs/ext4/ext4.ko\nkernel/lib/crc-t10dif.ko\n")),
  ]).toEqual(["ext4", "crc_t10dif"]);
});
