/** EROFS and squashfs as the root of a machine. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { jsonOf, startWick, wick } from "../support/cli.ts";
import { fetchPage } from "../support/fetch-page.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const formats = ["erofs", "squashfs"] as const;

/** Images for the whole file. */
let images: string;
const nginx = (format: string): string => join(images, `nginx.${format}`);
const busybox = (format: string): string => join(images, `busybox.${format}`);
const sha256 = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

beforeAll(async () => {
  images = lastingDirectory();
  const page = join(images, "index.html");
  writeFileSync(page, "<title>from the test</title>");
  const added = ["--add", `${page}:/var/www/html/index.html`, "deb:nginx-light"];
  const program = ["--entrypoint", "/usr/bin/busybox", "deb:busybox-static"];
  for (const format of formats) {
    for (const words of [
      ["--format", format, "-o", nginx(format), ...added],
      ["-o", busybox(format), ...program], // the name says the format
    ]) {
      const result = await wick(["build", "--json", ...words]);
      expect(result.status, result.stderr).toBe(0);
      expect(jsonOf<{ format: string }>(result).format).toBe(format);
    }
  }
});

/** `wick run` of a shell line in the busybox image. */
function shell(format: string, line: string, ...options: string[]) {
  return wick(["run", "-q", ...options, busybox(format), "sh", "-c", line]);
}

test.each(formats)("nginx in %s serves its page, and the image stays as it was", async (format) => {
  const before = sha256(nginx(format));
  const running = startWick(["run", "-p", "80", nginx(format)]);
  await running.shown("-> 80/tcp");
  const port = Number(/:(\d+) -> 80\/tcp/.exec(running.text())![1]);
  expect(await fetchPage(`http://127.0.0.1:${port}/`)).toContain("from the test");
  running.child.kill("SIGINT");
  expect((await running.done).status).toBe(130);
  expect(sha256(nginx(format))).toBe(before);
});

test.each(formats)(
  "an application in %s writes to its root, as its user, and ends",
  async (format) => {
    const line =
      'grep " / " /proc/mounts; id -u; echo new > /tmp/x; cat /tmp/x; (echo y >> /etc/motd) 2>/dev/null || echo refused; exit 7';
    const { status, stdout, stderr } = await shell(format, line, "-u", "www-data");
    expect(stdout.replaceAll("\r", ""), stderr).toMatch(
      /^overlay \/ overlay .*\n33\nnew\nrefused\n$/,
    );
    expect(status).toBe(7);
  },
);

test.each(formats)("--root ro mounts %s itself", async (format) => {
  const { status, stdout } = await shell(format, 'grep " / " /proc/mounts; > /x', "--root", "ro");
  expect(stdout).toMatch(new RegExp(`^/dev/vda / ${format} ro`));
  expect(status).toBe(1);
});

test.each(formats)("a source is built as %s for one run", async (format) => {
  const words = ["--format", format, "--entrypoint", "/usr/bin/busybox", "deb:busybox-static"];
  const { status, stdout, stderr } = await wick(["run", "-q", "--root", "ro", ...words, "mount"]);
  expect(status, stderr).toBe(0);
  expect(stdout).toContain(` on / type ${format} (ro`);
});

test.each(formats)(
  "--root copy is refused for %s, whether finished or to be built",
  async (format) => {
    for (const source of [[busybox(format)], ["--format", format, "deb:busybox-static"]]) {
      const { status, stderr } = await wick(["run", "--root", "copy", ...source]);
      expect(status).toBe(125);
      expect(stderr).toContain(`Cannot run ${format} with --root copy`);
      expect(stderr).toContain("hint: --root overlay");
    }
  },
);

test("a squashfs whose end is missing is refused before anything boots", async () => {
  const path = join(temporaryDirectory(), "cut.squashfs");
  writeFileSync(path, readFileSync(busybox("squashfs")).subarray(0, 100_000));
  const { status, stderr } = await wick(["run", path]);
  expect(status).toBe(125);
  expect(stderr).toContain("[IMAGE_INVALID]");
});

test("inspect, ls and cat look into EROFS; for squashfs they name the tool that does", async () => {
  const inspected = await wick(["inspect", "--json", busybox("erofs")]);
  expect(JSON.parse(inspected.stdout)).toMatchObject({
    format: "erofs",
    application: { argv: ["/usr/bin/busybox"] },
  });
  expect((await wick(["ls", busybox("erofs"), "/.wick"])).stdout).toContain("config.json");
  expect((await wick(["cat", busybox("erofs"), "/etc/passwd"])).stdout).toMatch(/^root:/);
  for (const words of [["inspect"], ["ls"], ["cat"]]) {
    const { stderr, status } = await wick(
      [...words, busybox("squashfs"), "/etc/passwd"].slice(0, words[0] === "inspect" ? 2 : 3),
    );
    expect(status).toBe(1);
    expect(stderr).toContain("[UNSUPPORTED]");
    expect(stderr).toContain("unsquashfs");
  }
  const listed = execFileSync("unsquashfs", ["-cat", busybox("squashfs"), "/etc/passwd"]);
  expect(listed.toString()).toMatch(/^root:/);
});
