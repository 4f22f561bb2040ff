import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApiRequest } from "../../../test/support/firecracker-api.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { isWickError } from "../../errors/index.ts";
import { setFaults } from "../../host/index.ts";
import type { MachineSpec } from "../vmm.ts";
import { firecracker } from "./index.ts";

const standIn = fileURLToPath(
  new URL("../../../test/support/firecracker-stand-in.mjs", import.meta.url),
);
/** Only root can give files to another user. */
const isRoot = process.getuid?.() === 0;
const USER = { uid: 20001, gid: 20002 };

let outer: string;
let base: string;
let spec: MachineSpec;

beforeEach(() => {
  outer = temporaryDirectory();
  base = join(outer, "jails");
  const directory = join(outer, "m");
  for (const path of [base, directory]) mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(outer, "record"), "");
  const file = (path: string, mode: number): string => {
    writeFileSync(path, Buffer.alloc(1024, 7));
    chmodSync(path, mode);
    return path;
  };
  spec = {
    arch: "x86_64",
    kernel: file(join(outer, "vmlinux"), 0o644),
    initrd: file(join(directory, "initrd.cpio"), 0o600),
    commandLine: "console=ttyS0",
    memoryMiB: 64,
    cpus: 1,
    drives: [
      { path: file(join(outer, "image.ext4"), 0o600), readOnly: true },
      { path: file(join(directory, "overlay.ext4"), 0o600), readOnly: false },
    ],
    ports: [],
    network: "none",
    relay: true,
    accel: "kvm",
    directory,
  };
});

afterEach(() => setFaults([]));

/** The stand-in, and a jailer that notes its words and starts it with the root of the jail. */
function jailed(behaviour: object) {
  const script = (name: string, text: string): string => {
    writeFileSync(join(outer, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return join(outer, name);
  };
  const words = `'${standIn}' '${JSON.stringify(behaviour)}' '${join(outer, "record")}'`;
  const program = script("firecracker", `exec '${process.execPath}' ${words} "$@"`);
  const jailer = script(
    "jailer",
    `echo "$@" >${outer}/jailer-words
     while [ "$1" != -- ]; do [ "$1" = --id ] && id=$2; shift; done; shift
     exec ${program} --root ${base}/firecracker/$id/root "$@"`,
  );
  const jail = { program: jailer, ...USER, baseDirectory: base, cgroups: ["memory.max=512M"] };
  return firecracker({ program, jail, startTimeoutMs: 10_000 });
}

const jails = (): string[] =>
  existsSync(join(base, "firecracker")) ? readdirSync(join(base, "firecracker")) : [];

test.skipIf(!isRoot)(
  "a jail has the machine's files for its user alone, and goes with it",
  async () => {
    const machine = await jailed({ guest: "init" }).start(spec);
    for (const stream of [machine.channel, machine.relay!]) {
      stream.write("through");
      expect(String((await once(stream, "data"))[0])).toBe("through");
    }
    const [id] = jails();
    const root = join(base, "firecracker", id!, "root");
    const inside = (name: string) => statSync(join(root, name));
    // What anybody may read is there by a second name, and stays its owner's.
    expect([inside("kernel").ino, inside("kernel").uid]).toEqual([statSync(spec.kernel).ino, 0]);
    // What is closed to others is a copy, what the run made is its own.
    const [image, overlay] = spec.drives.map(({ path }) => statSync(path));
    expect([inside("drive0").ino === image!.ino, image!.uid]).toEqual([false, 0]);
    expect(inside("drive1").ino).toBe(overlay!.ino);
    for (const name of ["initrd", "drive0", "drive1", "run", "firecracker.log"]) {
      expect([name, inside(name).uid, inside(name).gid]).toEqual([name, USER.uid, USER.gid]);
    }
    expect(readdirSync(join(root, "run"))).toEqual([]);
    await machine.kill();
    expect(jails()).toEqual([]);
  },
);

test.skipIf(!isRoot)("the jailer gets its words, and Firecracker paths of the jail", async () => {
  const machine = await jailed({}).start(spec);
  const id = basename(jails()[0]!);
  await machine.kill();
  const program = join(outer, "firecracker");
  expect(readFileSync(join(outer, "jailer-words"), "utf8").trim()).toBe(
    `--id ${id} --exec-file ${program} --uid 20001 --gid 20002 --chroot-base-dir ${base} ` +
      "--resource-limit no-file=4096 --cgroup-version 2 --cgroup memory.max=512M -- " +
      "--api-sock /run/api --log-path /firecracker.log --level Error",
  );
  const bodies = readFileSync(join(outer, "record"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as ApiRequest);
  const paths = /"(?:kernel_image_path|initrd_path|path_on_host|uds_path)":"([^"]+)"/g;
  const named = bodies.flatMap(({ body }) =>
    [...JSON.stringify(body ?? {}).matchAll(paths)].map(([, path]) => path),
  );
  expect(named).toEqual(["/kernel", "/initrd", "/drive0", "/drive1", "/run/vsock"]);
});

test.skipIf(!isRoot)("a start that fails takes the jail with it", async () => {
  const codes: string[] = [];
  const failing = async (behaviour: object): Promise<void> => {
    const error: unknown = await jailed(behaviour)
      .start(spec)
      .then(
        (machine) => machine.kill(),
        (reason: unknown) => reason,
      );
    if (!isWickError(error)) throw error;
    codes.push(error.code);
    expect(jails()).toEqual([]);
    expect(readdirSync(spec.directory).sort()).toEqual(["initrd.cpio", "overlay.ext4"]);
  };
  await failing({ at: { "GET /version": "cgroup" } });
  await failing({ at: { "PUT /drives/drive0": "refuse" } });
  await failing({ at: { "PUT /actions": "die" } });
  setFaults([{ call: "write", pathPrefix: base, nth: 3, errno: "ENOSPC" }]);
  await failing({});
  setFaults([{ call: "listen", pathPrefix: base, nth: 2, errno: "EMFILE" }]);
  await failing({});
  expect(codes).toEqual(["UNSUPPORTED", "VMM_FAILED", "VMM_FAILED", "DISK_FULL", "IO"]);
});

test.skipIf(!isRoot)("a base that is not there is refused before anything is made", async () => {
  base = join(outer, "none");
  await expect(jailed({}).version()).rejects.toMatchObject({ code: "PATH_NOT_FOUND" });
  await expect(jailed({}).start(spec)).rejects.toThrow("there is no such directory");
  expect(readdirSync(outer)).not.toContain("none");
});

test.skipIf(!isRoot)("a base whose sockets' paths would be too long is refused", async () => {
  base = join(outer, "l".repeat(100));
  mkdirSync(base, { mode: 0o700 });
  await expect(jailed({}).start(spec)).rejects.toThrow("sockets' paths would be too long");
  expect(jails()).toEqual([]);
});
