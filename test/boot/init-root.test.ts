import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { encodeRecords, type InitRecords } from "../../src/guest/index.ts";
import { bootParts, busyboxRoot, ext4, runArchive, type BootParts } from "../support/boot-parts.ts";
import { freePort, startMachine, type BootSpec } from "../support/booted-machine.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

const rootUuid = "5eed0001-0000-4000-8000-000000000001";
const driveUuid = "5eed0002-0000-4000-8000-000000000002";

let boot: BootParts;
let shared: string;
let image: string;
let scriptImage: string;

beforeAll(async () => {
  shared = lastingDirectory();
  boot = await bootParts();
  const records: InitRecords = { argv: ["sh", "-c", "exit 0"], env: ["PATH=/bin"] };
  busyboxRoot(boot, join(shared, "root"), records, {
    "etc/hostname": "",
    "etc/hosts": "",
    "run/laid/file": "x",
    "www/index.html": "the page\n",
  });
  image = ext4(join(shared, "root.ext4"), rootUuid, "16M", join(shared, "root"));
  scriptImage = scriptRoot();
});

/** A root with another init, as `build --init script` writes it. */
function scriptRoot(): string {
  const directory = join(shared, "script");
  const script = [
    "#!/bin/sh",
    "echo init=$$ arguments=$# eth0=$(ifconfig eth0 | grep -c 10.0.2.15)",
    "busybox poweroff -f",
  ];
  busyboxRoot(boot, directory, {}, { "sbin/init": `${script.join("\n")}\n` });
  rmSync(join(directory, ".wick"), { recursive: true });
  return ext4(join(shared, "script.ext4"), rootUuid, "16M", directory);
}

function drive(work: string): string {
  return ext4(join(work, "drive.ext4"), driveUuid, "16M");
}

async function start(records: InitRecords, spec: Partial<BootSpec>) {
  const work = temporaryDirectory();
  const initrd = join(work, "initrd");
  writeFileSync(initrd, Buffer.concat([boot.base, runArchive(work, records)]));
  return startMachine(boot, { work, initrd, ...spec });
}

const digest = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

/** e2fsck's verdict: clean, without a journal to replay; its output when it is not. */
function e2fsck(path: string): string {
  try {
    const words = execFileSync("e2fsck", ["-fn", path], { stdio: "pipe", encoding: "utf8" });
    const features = execFileSync("dumpe2fs", ["-h", path], { stdio: "pipe", encoding: "utf8" });
    return features.includes("needs_recovery") ? "needs_recovery" : words && "clean";
  } catch (error) {
    return String((error as { stdout?: Buffer }).stdout);
  }
}

const overlayRoot = { uuid: rootUuid, fstype: "ext4", mode: "overlay" } as const;

test("the overlay takes what the application writes; the image stays as it was", async () => {
  const work = temporaryDirectory();
  const before = digest(image);
  const machine = await start(
    {
      argv: [
        "sh",
        "-c",
        "echo kept > /kept; cat /etc/hostname; stat -c %a:%u / /tmp /run/laid; exit 3",
      ],
      root: overlayRoot,
      overlay: { uuid: driveUuid },
      hostname: "overlaid",
    },
    // The drives stand in the other order: they are found by UUID and not by letter.
    { drives: [{ path: drive(work) }, { path: image, readOnly: true }] },
  );
  const result = await machine.end();
  expect(result.final).toEqual({ kind: "exited", status: 3 });
  expect(result.console).toContain("overlaid\n755:0\n755:0\n755:0\n");
  expect(digest(image)).toBe(before);
  const path = join(work, "drive.ext4");
  expect(
    execFileSync("debugfs", ["-R", "cat /upper/kept", path], { stdio: "pipe" }).toString(),
  ).toBe("kept\n");
  expect(e2fsck(path)).toBe("clean");
  const marks = result.reports.flatMap((r) => (r.kind === "mark" ? [r.name] : []));
  expect(marks).toEqual(["stage1", "modules", "root", "stage2", "application", "ended"]);
});

test("e2fsck, the oracle above, sees a drive that was not put away", () => {
  const path = drive(temporaryDirectory());
  const bytes = readFileSync(path);
  bytes.writeUInt32LE(7, 1024 + 0x10); // s_free_inodes_count
  writeFileSync(path, bytes);
  expect(e2fsck(path)).not.toBe("clean");
});

test("an overlay in memory needs no second drive; a mount asked for is there", async () => {
  const machine = await start(
    {
      root: overlayRoot,
      overlay: "tmpfs",
      mounts: [
        { source: "/etc/hosts", target: "/etc/hostname", fstype: "", flags: 4096, data: "" },
      ],
      argv: ["sh", "-c", "echo x > /x && cat /x /etc/hostname | grep localhost"],
    },
    { drives: [{ path: image, readOnly: true }] },
  );
  expect((await machine.end()).final).toEqual({ kind: "exited", status: 0 });
});

test("a read-only root boots: names, /run and /tmp lie in memory, the rest refuses", async () => {
  const script = "cat /etc/hostname; ls /run/laid && echo > /tmp/x && echo > /run/y && ! echo > /z";
  const machine = await start(
    { argv: ["sh", "-c", script], root: { ...overlayRoot, mode: "ro" }, hostname: "bound" },
    { drives: [{ path: image, readOnly: true }] },
  );
  const result = await machine.end();
  expect(result.console).toContain("bound\n");
  expect(result.final).toEqual({ kind: "exited", status: 0 });
});

test("a writable root keeps what was written, and is clean afterwards", async () => {
  const work = temporaryDirectory();
  const copy = join(work, "copy.ext4");
  writeFileSync(copy, readFileSync(image));
  const machine = await start(
    { argv: ["sh", "-c", "echo kept > /kept"], root: { ...overlayRoot, mode: "rw" } },
    { drives: [{ path: copy }] },
  );
  expect((await machine.end()).final).toEqual({ kind: "exited", status: 0 });
  expect(execFileSync("debugfs", ["-R", "cat /kept", copy], { stdio: "pipe" }).toString()).toBe(
    "kept\n",
  );
  expect(e2fsck(copy)).toBe("clean");
});

test("read-only, as Docker's --read-only, lets no write through, in /run and /tmp neither", async () => {
  const script = "! echo > /x && ! echo > /tmp/x && ! echo > /run/x && echo > /dev/shm/x";
  const machine = await start(
    { argv: ["sh", "-c", script], root: overlayRoot, overlay: "tmpfs", readOnly: true },
    { drives: [{ path: image, readOnly: true }] },
  );
  expect((await machine.end()).final).toEqual({ kind: "exited", status: 0 });
});

test("a root that is not there is said with the drives that are, within its time", async () => {
  const wanted = "00000000-0000-4000-8000-00000000dead";
  const machine = await start(
    { root: { ...overlayRoot, uuid: wanted }, rootWaitMs: 700 },
    { drives: [{ path: image, readOnly: true }] },
  );
  const result = await machine.end();
  expect(result.final).toMatchObject({ kind: "setup-failed", step: "root", errno: 2 });
  expect(result.final).toMatchObject({ text: expect.stringContaining(wanted) });
  expect(result.final).toMatchObject({ text: expect.stringContaining("vda") });
  expect(result.console).toMatch(/wick-init: cannot set up root: no drive holds file system/u);
});

test("a broken root is said, not left to a kernel panic", async () => {
  const path = join(temporaryDirectory(), "broken.ext4");
  const bytes = readFileSync(image);
  bytes.writeUInt32LE(0xffffff, 1024 + 0x14); // s_first_data_block
  writeFileSync(path, bytes);
  const machine = await start({ root: overlayRoot }, { drives: [{ path, readOnly: true }] });
  const result = await machine.end();
  expect(result.final).toMatchObject({ kind: "setup-failed", step: "root" });
  expect(result.console).not.toContain("panic");
});

test("another init of the image is started as the kernel would, with the network up", async () => {
  const machine = await start(
    {
      root: overlayRoot,
      overlay: "tmpfs",
      addresses: [{ interface: "eth0", address: "10.0.2.15/24" }],
    },
    {
      drives: [{ path: scriptImage, readOnly: true }],
      port: { host: await freePort(), guest: 80 },
    },
  );
  const result = await machine.end();
  expect(result.console).toContain("init=1 arguments=0 eth0=1");
});

test("where the kernel mounts the root itself, run.rec comes on a drive of its own", async () => {
  const work = temporaryDirectory();
  const directory = join(work, "bare");
  busyboxRoot(boot, directory, {});
  rmSync(join(directory, ".wick/init.rec")); // so that stage 1 starts it as somebody else's init
  const bare = ext4(join(work, "bare.ext4"), rootUuid, "16M", directory);
  const archive = join(work, "run.cpio");
  writeFileSync(archive, runArchive(work, { argv: ["/bin/sh", "-c", "exit 21"] }));
  const drives = [
    { path: archive, readOnly: true },
    { path: bare, readOnly: true },
  ];
  const machine = await start({ root: overlayRoot, overlay: "tmpfs" }, { drives });
  expect((await machine.end()).final).toEqual({ kind: "exited", status: 21 });
});

test("records that are cut, of another version or for a newer init end the machine in words", async () => {
  const good = Buffer.from(encodeRecords({ uid: 1 }));
  const newer = Buffer.from(good);
  newer.writeUInt16LE(0xf001, 16);
  const bad = {
    "a version": Buffer.from(good).fill(9, 8, 9),
    cut: good.subarray(0, 20),
    "too old": newer,
  };
  for (const [words, bytes] of Object.entries(bad)) {
    const work = temporaryDirectory();
    const initrd = join(work, "initrd");
    const archive = runArchive(work, bytes);
    writeFileSync(initrd, Buffer.concat([boot.base, archive]));
    const result = await (await startMachine(boot, { work, initrd })).end();
    expect(result.final).toMatchObject({ kind: "setup-failed", step: "records" });
    expect(result.final).toMatchObject({ text: expect.stringContaining(words) });
  }
});
