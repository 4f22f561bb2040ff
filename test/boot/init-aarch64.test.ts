import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { bootParts, busyboxRoot, ext4, runArchive, type BootParts } from "../support/boot-parts.ts";
import { startMachine } from "../support/booted-machine.ts";
import { wick } from "../support/cli.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const rootUuid = "5eed0001-0000-4000-8000-000000000001";

let boot: BootParts;
let image: string;

beforeAll(async () => {
  const shared = lastingDirectory();
  boot = await bootParts("aarch64");
  busyboxRoot(boot, join(shared, "root"), { argv: ["sh", "-c", "exit 0"], env: ["PATH=/bin"] });
  image = ext4(join(shared, "root.ext4"), rootUuid, "16M", join(shared, "root"));
}, 300_000);

test("on aarch64 both stages run: modules, overlay, user, network, status", async () => {
  const work = temporaryDirectory();
  const initrd = join(work, "initrd");
  const script =
    "echo ids=$(id -u):$(id -G) eth0=$(ifconfig eth0 | grep -c 10.0.2.15); echo > /dev/stdout; " +
    "echo x > /tmp/x; httpd -p 8080; sleep 0.5; kill -USR1 $$";
  const run = runArchive(work, {
    argv: ["sh", "-c", script],
    uid: 1000,
    gid: 1000,
    groups: [1000, 7],
    addresses: [{ interface: "eth0", address: "10.0.2.15/24" }],
    gateway: "10.0.2.2",
    ports: [8080],
    root: { uuid: rootUuid, fstype: "ext4", mode: "overlay" },
    overlay: "tmpfs",
  });
  writeFileSync(initrd, Buffer.concat([boot.base, run]));
  const drives = [{ path: image, readOnly: true }];
  const machine = await startMachine(boot, { work, initrd, drives, network: true });
  const result = await machine.end();
  expect(result.console).toContain("ids=1000:1000 7 eth0=1");
  expect(result.reports).toContainEqual(expect.objectContaining({ kind: "listening", port: 8080 }));
  expect(result.final).toEqual({ kind: "signalled", signal: 10, oom: false });
  expect(result.reports.filter((report) => report.kind === "warning")).toEqual([]);
});

test("wick run makes the machine that an image is for, without --platform, and says so", async () => {
  const file = join(temporaryDirectory(), "busybox.ext4");
  const words = ["--platform", "linux/arm64", "--entrypoint", "/bin/busybox", "deb:busybox-static"];
  expect((await wick(["build", ...words, "-o", file])).status).toBe(0);
  const result = await wick(["run", file, "sh", "-c", "uname -m; exit 7"]);
  expect([result.status, result.stdout], result.stderr).toEqual([7, "aarch64\n"]);
  const isOwn = process.arch === "arm64";
  expect(result.stderr.includes(`note: the machine is for aarch64, as ${file} is`)).toBe(!isOwn);
});
