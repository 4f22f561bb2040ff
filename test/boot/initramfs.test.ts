import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { printConfig } from "../../src/application/index.ts";
import { encodeRecords, initBinary } from "../../src/guest/index.ts";
import { bootParts, type BootParts } from "../support/boot-parts.ts";
import { startWick, wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

/** Made by other people's tools from init, busybox and a page; once for the whole file. */
let directory: string;
const image = (suffix = ""): string => join(directory, `app.cpio${suffix}`);

const sh = (line: string): string =>
  execFileSync("sh", ["-ec", line], { cwd: directory, encoding: "utf8" });

beforeAll(async () => {
  directory = lastingDirectory();
  const { busybox }: BootParts = await bootParts();
  for (const name of [".wick", "bin", "dev", "etc", "lib", "proc", "sys", "www"]) {
    mkdirSync(join(directory, "root", name), { recursive: true });
  }
  const inRoot = (name: string): string => join(directory, "root", name);
  copyFileSync(initBinary("x86_64"), inRoot("init"));
  copyFileSync(busybox, inRoot("bin/busybox"));
  const argv = ["/bin/busybox", "httpd", "-f", "-v", "-p", "80", "-h", "/www"];
  const env = ["PATH=/bin", "GREETING=image"];
  writeFileSync(inRoot("www/index.html"), "<title>from memory</title>");
  writeFileSync(inRoot("etc/passwd"), "root:x:0:0::/:/bin/sh\nwww:x:33:33::/:/bin/sh\n");
  // Random, so that no compression makes it less: what does not fit is noticed.
  writeFileSync(inRoot("www/zz"), randomBytes(8 << 20));
  writeFileSync(inRoot(".wick/init.rec"), encodeRecords({ argv, env, directory: "/", uid: 0 }));
  const config = { Entrypoint: ["/bin/busybox"], Cmd: argv.slice(1), Env: env };
  writeFileSync(inRoot(".wick/config.json"), printConfig(config));
  sh("chmod 755 root/init root/bin/busybox; ln -s busybox root/bin/sh");
  sh("cd root && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0 > ../app.cpio");
  sh(
    "gzip -k app.cpio; zstd -q app.cpio; xz -k -0 --check=crc32 app.cpio; lz4 -q -l app.cpio app.cpio.lz4",
  );
});

/** A shell line in place of what the image runs. */
const shell = (line: string, ...options: string[]) =>
  wick(["run", "-q", "--entrypoint", "/bin/busybox", ...options, image(), "sh", "-c", line]);

/** Under names that say nothing: the bytes do. */
const renamed = { "": "app", ".gz": "b.gz", ".zst": "initrd.img-6", ".xz": "x.jpg", ".lz4": "lz4" };

test.each(Object.entries(renamed))("app.cpio%s serves its page as %s", async (suffix, name) => {
  copyFileSync(image(suffix), join(directory, name));
  const running = startWick(["run", "-p", "80", join(directory, name)]);
  await running.shown("-> 80/tcp");
  const port = /127\.0\.0\.1:(\d+) -> 80\/tcp/.exec(running.text())?.[1];
  expect(await fetchPage(`http://127.0.0.1:${port}/`)).toContain("from memory");
  running.child.kill("SIGINT");
  expect((await running.done).status).toBe(130);
});

test("a run's command, environment, user and status hold; its root takes writes", async () => {
  const line = 'echo "$GREETING $(id -u)" > /tmp/x && cat /tmp/x; ls -A /.wick/modules; exit 7';
  const result = await shell(line, "-e", "GREETING=run", "-u", "www");
  expect(result.stdout).toContain("run 33");
  expect([result.status, result.stdout.includes(".ko")]).toEqual([7, false]);
});

test("--read-only, --tmpfs and a folder of the host work where there is no drive to boot from", async () => {
  const folder = join(directory, "folder");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "file"), "from the host");
  const result = await shell(
    "cat /data/file; echo a > /here && echo wrote; echo b > /room/b && cat /room/b",
    "--read-only",
    "--tmpfs",
    "/room",
    "-v",
    `${folder}:/data`,
  );
  expect(result.stdout).toContain("from the host");
  expect(result.stdout).toMatch(/^b/m);
  expect(result.stdout).not.toContain("wrote");
});

test("less memory than needed is refused with its parts; the figure stated begins", async () => {
  const refused = await shell("true", "-m", "64m");
  expect(refused.status).toBe(125);
  const least = /wanted at least (\d+) MiB \(kernel [\d.]+, initramfs/.exec(refused.stderr)?.[1];
  const result = await shell("echo began", "-m", `${least}m`);
  expect(result.stdout, result.stderr).toContain("began");
});

test("a machine gets more than the usual memory where its files take more, and says so", async () => {
  sh("mkdir -p big && truncate -s 160M big/zeros");
  sh(
    "cd big && echo zeros | cpio -o -H newc --quiet | cat ../app.cpio - | gzip -1 > ../big.cpio.gz",
  );
  const words = ["run", "--entrypoint", "/bin/busybox", join(directory, "big.cpio.gz")];
  const result = await wick([...words, "wc", "-c", "/zeros"]);
  const given = Number(/the machine gets (\d+) MiB of memory/.exec(result.stderr)?.[1]);
  expect(given, result.stderr).toBeGreaterThan(320);
  expect(result.stdout).toContain("167772160 /zeros");
});

test("of an arm64 machine's memory, what its kernel keeps for devices is counted", async () => {
  mkdirSync(join(directory, "arm"));
  copyFileSync(initBinary("aarch64"), join(directory, "arm/init"));
  sh(
    "cd arm && chmod 755 init && echo init | cpio -o -H newc --quiet | cat ../app.cpio - > ../arm.cpio",
  );
  const arm = join(directory, "arm.cpio");
  const refused = await wick(["run", "-q", "-m", "64m", arm]);
  expect([refused.status, refused.stderr]).toEqual([125, expect.stringMatching(/devices 67\.0/)]);
  const off = await wick(["run", "-q", "-m", "40m", "--append", "cma=0", arm]);
  expect(off.stderr).toMatch(/devices 3\.0/);
});

test("a kernel of one's own that lacks the decompressor is refused, with what says so", async () => {
  const kernel = join(directory, "vmlinuz");
  copyFileSync((await bootParts()).kernel, kernel);
  const config = "CONFIG_BLK_DEV_INITRD=y\nCONFIG_RD_GZIP=y\n# CONFIG_RD_XZ is not set\n";
  writeFileSync(join(directory, "config"), config);
  const result = await wick(["run", "-q", "--kernel", kernel, image(".xz")]);
  expect(result.status).toBe(125);
  expect(result.stderr).toMatch(/compressed with xz \(config beside it\).*--compression gzip/s);
});

test("an initramfs with nothing to start is refused, unless a program is named", async () => {
  sh(
    "mkdir -p none/bin && cp root/bin/busybox none/bin && cd none && find . | cpio -o -H newc --quiet > ../none.cpio",
  );
  const words = ["run", "-q", join(directory, "none.cpio")];
  const refused = await wick(words);
  expect([refused.status, refused.stderr]).toEqual([125, expect.stringContaining("no /init")]);
  const named = await wick(["run", "--append", "rdinit=/bin/busybox", ...words.slice(1)]);
  // The end of what it says may be lost: the kernel panics with it still in the serial port's queue.
  expect(named.stdout).toContain("BusyBox v");
});

test("an initramfs that is cut is refused before anything starts", async () => {
  const cut = join(directory, "cut.cpio.gz");
  writeFileSync(cut, readFileSync(image(".gz")));
  truncateSync(cut, 1 << 20);
  const result = await wick(["run", "-q", cut]);
  expect([result.status, result.stderr]).toEqual([125, expect.stringContaining("truncated")]);
});

test("an initramfs that the kernel cannot unpack ends the run with the kernel's words", async () => {
  sh("lz4 -q app.cpio frames.cpio.lz4"); // the format that the kernel does not know
  const result = await wick(["run", "-q", join(directory, "frames.cpio.lz4")]);
  expect(result.status).toBe(125);
  expect(result.stderr).toContain("could not unpack its initramfs");
});

test("a root that is in memory is neither copied nor a read-only drive", async () => {
  for (const root of ["copy", "ro"]) {
    const result = await wick(["run", "-q", "--root", root, image()]);
    expect([result.status, result.stderr]).toEqual([125, expect.stringContaining("in memory")]);
  }
});
