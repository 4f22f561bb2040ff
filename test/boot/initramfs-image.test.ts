/** An initramfs that wick built, booted by hand: nothing but a kernel and the file. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { bootParts, type BootParts } from "../support/boot-parts.ts";
import { startMachine } from "../support/booted-machine.ts";
import { wick } from "../support/cli.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

let boot: BootParts;
let work: string;
const suffixes = ["cpio", "cpio.gz", "cpio.zst", "cpio.xz", "cpio.lz4"];
const image = (suffix: string): string => join(work, `app.${suffix}`);
const program = ["--entrypoint", "/usr/bin/busybox", "--cmd", "sh", "--cmd", "-c"];
const build = (output: string, ...words: string[]) =>
  wick(["build", "-q", ...words, "deb:busybox-static", "-o", output]);

beforeAll(async () => {
  work = lastingDirectory();
  boot = await bootParts();
  for (const suffix of suffixes) {
    const line = "echo started as $$; grep ' / ' /proc/mounts; exit 0";
    const { status, stderr } = await build(image(suffix), ...program, "--cmd", line);
    expect(status, stderr).toBe(0);
  }
});

test.each(suffixes)(
  "app.%s starts its application with -kernel and -initrd alone",
  async (suffix) => {
    const spec = { work, initrd: image(suffix), channel: false, memoryMiB: 192 } as const;
    const { console } = await (await startMachine(boot, spec)).end();
    expect(console).toContain("started as ");
    expect(console).toContain("rootfs / rootfs");
    expect(console).not.toMatch(/panic|unpacking failed/i);
  },
);

test("inspect, ls and cat look into each of them", async () => {
  for (const suffix of suffixes) {
    const { stdout, stderr } = await wick(["inspect", "--json", image(suffix)]);
    expect(JSON.parse(stdout), stderr).toMatchObject({ format: "initramfs" });
    expect((await wick(["ls", image(suffix), "/dev"])).stdout).toContain("console");
    expect((await wick(["cat", image(suffix), "/etc/passwd"])).stdout).toMatch(/^root:/);
  }
});

test("two builds of a folder, which no store knows, are alike byte for byte", async () => {
  const folder = join(work, "folder");
  mkdirSync(join(folder, "data"), { recursive: true });
  writeFileSync(join(folder, "init"), "#!/data/shell\n", { mode: 0o755 });
  writeFileSync(join(folder, "data/bytes"), Buffer.alloc(3_000_000, "some bytes "));
  for (const suffix of suffixes) {
    for (const output of [image(`1.${suffix}`), image(`2.${suffix}`)]) {
      const made = await wick(["build", "-q", "--init", "none", `dir:${folder}`, "-o", output]);
      expect(made.status, made.stderr).toBe(0);
    }
    const [first, second] = [1, 2].map((n) => readFileSync(image(`${n}.${suffix}`)));
    expect(first!.equals(second!)).toBe(true);
  }
});

test("a damaged one, a missing /init and a level that there is not are refused", async () => {
  const bytes = readFileSync(image("cpio.gz"));
  writeFileSync(image("cut.cpio.gz"), bytes.subarray(0, bytes.length / 2));
  expect((await wick(["inspect", image("cut.cpio.gz")])).stderr).toContain("[IMAGE_INVALID]");
  const none = await build(image("none.cpio"), "--init", "none");
  expect(none.stderr).toContain("with --init none its own /init is process 1");
  const level = await build(image("l.cpio"), ...program, "--compression", "zstd,25");
  expect(level.stderr).toContain("wanted a level from 1 to 19");
});
