/** What a wick that is killed leaves of Firecracker's jail, and who takes it away. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openStore } from "../../src/store/index.ts";
import { isAlive } from "../support/processes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const support = (name: string): string =>
  fileURLToPath(new URL(`../support/${name}`, import.meta.url));

/** Only root can give files to another user. */
const isRoot = process.getuid?.() === 0;

interface Jailed {
  readonly wick: ChildProcess;
  /** Of the VMM. */
  readonly pid: number;
}

/** A wick with one machine in a jail below `outer`, once its guest runs. */
async function startJailed(outer: string, cache: string): Promise<Jailed> {
  const directory = join(outer, "m");
  mkdirSync(directory, { mode: 0o700 });
  const script = (name: string, text: string): string => {
    writeFileSync(join(outer, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return join(outer, name);
  };
  const kernel = join(outer, "vmlinux");
  writeFileSync(kernel, Buffer.alloc(1024));
  const base = join(outer, "jails");
  mkdirSync(base);
  const words = `'${support("firecracker-stand-in.mjs")}' '{}' '${join(outer, "record")}'`;
  const program = script("firecracker", `exec '${process.execPath}' ${words} "$@"`);
  const jailer = script(
    "jailer",
    `while [ "$1" != -- ]; do [ "$1" = --id ] && id=$2; shift; done; shift
     exec ${program} --root ${base}/firecracker/$id/root "$@"`,
  );
  const spec = {
    arch: "x86_64",
    kernel,
    commandLine: "console=ttyS0",
    memoryMiB: 64,
    cpus: 1,
    drives: [],
    ports: [],
    network: "none",
    accel: "kvm",
    directory,
  };
  const jail = { program: jailer, uid: 20001, gid: 20001, baseDirectory: base, cgroups: [] };
  const options = JSON.stringify({ program, jail });
  const child = spawn(
    process.execPath,
    [support("run-jailed.mjs"), cache, JSON.stringify(spec), options],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { wick: child, pid: Number(/^pid (\d+)/.exec(line.toString())![1]) };
}

/** A shell watches that the VMM ends with its wick: a moment later. */
async function kill({ wick, pid }: Jailed): Promise<void> {
  wick.kill("SIGKILL");
  await once(wick, "exit");
  while (isAlive(pid)) await sleep(10);
}

async function useOnce(cache: string): Promise<void> {
  using _ = await openStore({ directory: cache }).use();
}

test.skipIf(!isRoot)(
  "a jail of a killed wick is removed by the next command, one of a living wick is not",
  async () => {
    const cache = join(temporaryDirectory(), "cache");
    const [killed, living] = [temporaryDirectory(), temporaryDirectory()];
    await useOnce(cache);
    const first = await startJailed(killed, cache);
    const second = await startJailed(living, cache);
    const jails = (outer: string): string[] => readdirSync(join(outer, "jails/firecracker"));
    const [id] = jails(killed);
    const claims = readdirSync(join(cache, "tmp")).map((name) =>
      readFileSync(join(cache, "tmp", name), "utf8"),
    );
    expect(claims).toContain(
      JSON.stringify({
        path: join(killed, "jails/firecracker", id!),
        group: `/sys/fs/cgroup/firecracker/${id}`,
      }),
    );
    await kill(first);
    expect(jails(killed)).toEqual([id]);
    await useOnce(cache);
    expect(jails(killed)).toEqual([]);
    expect(jails(living)).toHaveLength(1);
    await kill(second);
    await useOnce(cache);
    expect(jails(living)).toEqual([]);
    expect(readdirSync(join(cache, "tmp"))).toEqual([]);
  },
);
