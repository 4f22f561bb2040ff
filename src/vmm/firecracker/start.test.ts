import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AT_ONCE_MS } from "../../../test/support/at-once.ts";
import { apiProblems, type ApiRequest } from "../../../test/support/firecracker-api.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { isWickError, type WickError } from "../../errors/index.ts";
import { setFaults } from "../../host/index.ts";
import type { Machine, MachineSpec } from "../vmm.ts";
import { addedBytes } from "./check.ts";
import { firecracker, type FirecrackerOptions } from "./index.ts";

const standIn = fileURLToPath(
  new URL("../../../test/support/firecracker-stand-in.mjs", import.meta.url),
);

let directory: string;
let record: string;
let spec: MachineSpec;

beforeEach(() => {
  const outer = temporaryDirectory();
  directory = join(outer, "m");
  mkdirSync(directory, { mode: 0o700 });
  record = join(outer, "record");
  writeFileSync(record, "");
  const file = (name: string, bytes: number): string => {
    writeFileSync(join(outer, name), Buffer.alloc(bytes));
    return join(outer, name);
  };
  spec = {
    arch: "x86_64",
    kernel: file("vmlinux", 4096),
    commandLine: "console=ttyS0",
    memoryMiB: 64,
    cpus: 1,
    drives: [{ path: file("a.ext4", 1024), readOnly: true }],
    ports: [],
    network: "none",
    relay: true,
    accel: "kvm",
    directory,
  };
});

afterEach(() => setFaults([]));

interface Behaviour {
  readonly version?: string;
  readonly delayMs?: number;
  readonly at?: Readonly<Record<string, string>>;
  readonly guest?: string;
  readonly listens?: boolean;
}

/** A Firecracker that is none: the stand-in behind a script of its own. */
function like(behaviour: Behaviour, options: FirecrackerOptions = {}) {
  const program = join(directory, "..", "firecracker");
  const words = `'${standIn}' '${JSON.stringify(behaviour)}' '${record}'`;
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' ${words} "$@"\n`, { mode: 0o755 });
  return firecracker({ program, ...options });
}

const asked = (): ApiRequest[] =>
  readFileSync(record, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ApiRequest);

async function failure(promise: Promise<Machine>): Promise<WickError> {
  const error: unknown = await promise.then(
    async (machine) => {
      await machine.kill();
      return new Error("it started");
    },
    (reason: unknown) => reason,
  );
  if (!isWickError(error)) throw error;
  return error;
}

const left = (): string[] => readdirSync(directory).sort();

test("a machine is made by requests that the API description has, and started by the last", async () => {
  const machine = await like({ guest: "init" }).start(spec);
  await machine.kill();
  const requests = asked();
  expect(requests.flatMap(apiProblems)).toEqual([]);
  expect(requests.map(({ path }) => path)).toEqual([
    "/version",
    "/machine-config",
    "/boot-source",
    "/drives/drive0",
    "/vsock",
    "/entropy",
    "/actions",
  ]);
});

test("channel and relay are there when the guest connects, and end with it", async () => {
  const machine = await like({ guest: "init" }).start(spec);
  for (const stream of [machine.channel, machine.relay!]) {
    stream.write("sent before anybody listened");
    expect(String((await once(stream, "data"))[0])).toBe("sent before anybody listened");
  }
  expect(machine.consoleTail()).toEqual(["[    0.000000] Linux version"]);
  // What is left for people: no socket that a stranger could connect to.
  expect(left()).toEqual(["firecracker.json", "firecracker.log"]);
  const ended = Promise.all([once(machine.channel, "close"), once(machine.relay!, "close")]);
  expect(await machine.kill()).toMatchObject({ signal: "SIGKILL" });
  await ended;
  expect(left()).toEqual(["firecracker.json", "firecracker.log"]);
});

test("a guest that never connects: the channel ends with the machine", async () => {
  const machine = await like({ guest: "exit:0" }).start(spec);
  machine.channel.resume();
  machine.channel.write("nobody reads this");
  await expect.poll(() => machine.channel.closed, { timeout: AT_ONCE_MS }).toBe(true);
  expect(await machine.exited).toMatchObject({ code: 0, signal: null });
  expect(left()).toEqual(["firecracker.json", "firecracker.log"]);
});

test("what a short machine said is all there at its end, even where wick stood still for its whole life", async () => {
  const machine = await like({ guest: "words:200" }).start(spec);
  const said = [machine.channel, machine.relay!].map(collected);
  standStill(1500);
  expect(await machine.exited).toMatchObject({ code: 0 });
  expect(said.map((words) => words())).toEqual(["last words", "last words"]);
});

/** What has come of a stream so far. */
function collected(stream: Readable): () => string {
  let text = "";
  stream.on("data", (chunk: Uint8Array) => (text += String(chunk)));
  return () => text;
}

/** Gets no CPU: whatever comes meanwhile comes at once. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test("metrics are asked for first, and are in the user's file once it has ended", async () => {
  const metrics = join(directory, "..", "metrics.jsonl");
  const machine = await like({ guest: "exit:0" }, { metrics }).start(spec);
  machine.channel.resume();
  expect(await machine.exited).not.toHaveProperty("warning");
  expect(readFileSync(metrics, "utf8")).toBe('{"utc_timestamp_ms":1}\n');
  const path = join(directory, "firecracker-metrics.jsonl");
  expect(asked()[1]).toEqual({ method: "PUT", path: "/metrics", body: { metrics_path: path } });
});

test("metrics that cannot be kept are a warning, and no file; a place for none is refused", async () => {
  const metrics = join(directory, "..", "metrics.jsonl");
  const machine = await like({ guest: "exit:0" }, { metrics }).start(spec);
  setFaults([
    { call: "write", pathPrefix: join(directory, "../.metrics"), nth: 1, errno: "ENOSPC" },
  ]);
  machine.channel.resume();
  expect((await machine.exited).warning).toContain("Firecracker's metrics are not kept");
  expect(readdirSync(join(directory, ".."))).not.toContain("metrics.jsonl");
  const nowhere = like({}, { metrics: join(directory, "none", "x") });
  expect((await failure(nowhere.start(spec))).message).toContain("none");
});

test.each([
  [148, "a system call that its filter forbids"],
  [149, "SIGBUS"],
  [150, "SIGSEGV"],
  [151, "SIGXFSZ"],
  [152, "its configuration is wrong"],
  [153, "does not know one of its arguments"],
  [154, "SIGXCPU"],
  [155, "SIGPIPE"],
  [156, "SIGHUP"],
  [157, "SIGILL"],
  [1, "ended with status 1"],
])("exit status %i is told in words", async (status, words) => {
  const machine = await like({ guest: `exit:${status}` }).start(spec);
  machine.channel.resume();
  expect((await machine.exited).words).toContain(words);
});

test("a slow reader of the console holds nothing back, and is told what it missed", async () => {
  const machine = await like({ guest: "flood" }).start(spec);
  machine.channel.resume();
  const reader = machine.console[Symbol.asyncIterator]();
  let bytes = (await reader.next()).value!.length;
  // Nobody reads on, and yet it comes to its end: all 20 MiB were taken.
  const { warning = "" } = await machine.exited;
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) {
    bytes += next.value.length;
  }
  const missed = Number(/^(\d+) bytes of the console are missing/.exec(warning)?.[1]);
  expect(bytes).toBeGreaterThan(15 << 20);
  expect(bytes + missed).toBe((20 << 20) + "[    0.000000] Linux version\r\n".length);
});

test("a slow Firecracker starts all the same", async () => {
  const machine = await like({ delayMs: 100 }).start(spec);
  await machine.kill();
});

const steps = [
  "GET /version",
  "PUT /machine-config",
  "PUT /boot-source",
  "PUT /drives/drive0",
  "PUT /vsock",
  "PUT /entropy",
  "PUT /actions",
];

test.each(steps.slice(1))(
  "V13 a refusal of %s is the error, in its words, and nothing is left",
  async (step) => {
    const error = await failure(like({ at: { [step]: "refuse" } }).start(spec));
    expect(error.code).toBe("VMM_FAILED");
    expect(error.message).toContain(`Firecracker refused ${step}: "not with me\\x1b[31m"`);
    expect(left()).toEqual([]);
  },
);

test.each(steps)(
  "V13 a Firecracker that dies at %s tells its last words, and nothing is left",
  async (step) => {
    const error = await failure(like({ at: { [step]: "die" } }).start(spec));
    expect(error.code).toBe("VMM_FAILED");
    expect(error.message).toContain("Firecracker ended with status 1 before the guest ran");
    expect(error.detail).toEqual(["stand-in: fatal"]);
    expect(left()).toEqual([]);
  },
);

test.each(["GET /version", "PUT /drives/drive0", "PUT /actions"])(
  "V10 a Firecracker that is silent at %s is ended at the deadline",
  async (step) => {
    const vmm = like({ at: { [step]: "silent" } }, { startTimeoutMs: 1500 });
    const error = await failure(vmm.start(spec));
    expect(error.code).toBe("VMM_FAILED");
    expect(error.message).toContain(`no answer of Firecracker to ${step} after 1.5 s`);
    expect(left()).toEqual([]);
  },
);

test.each(["garbage", "half", "huge"])("an answer that is %s is one error", async (what) => {
  const error = await failure(like({ at: { "PUT /vsock": what } }).start(spec));
  expect(["IO", "VMM_FAILED"]).toContain(error.code);
  expect(error.message).toContain("PUT /vsock");
  expect(left()).toEqual([]);
});

test("a Firecracker that never listens is ended at the deadline", async () => {
  const error = await failure(like({ listens: false }, { startTimeoutMs: 700 }).start(spec));
  expect(error.message).toContain("no API socket of Firecracker after 0.7 s");
  expect(left()).toEqual([]);
});

test("an interruption ends the start at once, and nothing is left", async () => {
  const vmm = like({ at: { "PUT /vsock": "silent" } });
  const error = await failure(vmm.start(spec, AbortSignal.timeout(500)));
  expect(error.code).toBe("INTERRUPTED");
  expect(left()).toEqual([]);
});

test.each([1, 2])(
  "V13 a failure to listen for the guest (%i) takes back what came before",
  async (nth) => {
    setFaults([{ call: "listen", pathPrefix: directory, nth, errno: "EMFILE" }]);
    const error = await failure(like({}).start(spec));
    expect(error.message).toContain("too many open files");
    expect(left()).toEqual([]);
  },
);

test.each([1, 2, 3, 4, 5, 6, 7])("V13 a connection that fails (%i) takes all back", async (nth) => {
  setFaults([{ call: "connect", pathPrefix: directory, nth, errno: "EMFILE" }]);
  const error = await failure(like({}).start(spec));
  expect(error.message).toContain("too many open files");
  expect(left()).toEqual([]);
});

test("V13 failures to write the log and the config file, and to spawn, take all back", async () => {
  for (const [call, nth] of [
    ["write", 1],
    ["write", 2],
  ] as const) {
    setFaults([{ call, pathPrefix: directory, nth, errno: "ENOSPC" }]);
    expect((await failure(like({}).start(spec))).code).toBe("DISK_FULL");
    expect(left()).toEqual([]);
  }
  setFaults([{ call: "spawn", pathPrefix: "", nth: 1, errno: "EMFILE" }]);
  expect((await failure(like({}).start(spec))).message).toContain("too many open files");
  expect(left()).toEqual([]);
});

test("a TAP that another program has, or that is somebody else's, is told as such", async () => {
  const network = { device: "tap0", mac: "06:00:ac:1e:fc:02" };
  const step = "PUT /network-interfaces/eth0";
  const said = async (fault: string): Promise<string> => {
    const error = await failure(like({ at: { [step]: fault } }).start({ ...spec, network }));
    return `${error.code} ${error.hint}`;
  };
  expect(await said("busyTap")).toBe("IN_USE each machine takes a TAP of its own");
  expect(await said("foreignTap")).toMatch(/^PERMISSION .*ip tuntap add/);
  expect(left()).toEqual([]);
  const machine = await like({ guest: "init" }).start({ ...spec, network });
  await machine.kill();
  expect(asked().map(({ method, path }) => `${method} ${path}`)).toContain(step);
});

test("V7 a directory too long for socket paths starts all the same, and cleans up", async () => {
  const long = join(directory, "l".repeat(100));
  mkdirSync(long, { mode: 0o700 });
  const machine = await like({ guest: "init" }).start({ ...spec, directory: long });
  machine.channel.write("through");
  await once(machine.channel, "data");
  await machine.kill();
  expect(readdirSync(long).sort()).toEqual(["firecracker.json", "firecracker.log"]);
});

test("versions that wick cannot drive are refused, and the oldest that it can has a hint", async () => {
  expect(await like({ version: "1.16.1" }).version()).toBe("1.16.1");
  expect(await like({ version: "1.17.0-dev" }).version()).toBe("1.17.0-dev");
  for (const version of ["0.25.2", "1.6.0"]) {
    const vmm = like({ version });
    await expect(vmm.version()).rejects.toThrow(`this is ${version}, wanted 1.7 or newer`);
    // Also where the program was exchanged meanwhile.
    expect((await failure(vmm.start(spec))).code).toBe("UNSUPPORTED");
    expect(left()).toEqual([]);
  }
  const vmm = like({ version: "1.7.0" });
  expect(vmm.adviceOn!(await vmm.version())).toContain("CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES");
  expect(vmm.adviceOn!("1.8.0")).toBeUndefined();
  expect(vmm.adviceOn!("1.10.1")).toBeUndefined();
});

test("a program that is no Firecracker is told by what it says", async () => {
  const program = join(directory, "..", "other");
  writeFileSync(program, "#!/bin/sh\necho something else\n", { mode: 0o755 });
  await expect(firecracker({ program }).version()).rejects.toThrow('it says "something else"');
  await expect(firecracker({ program: "/nonexistent" }).version()).rejects.toThrow("/nonexistent");
});

test("what Firecracker adds counts in the length of the command line", async () => {
  const drives = addedBytes(spec);
  expect(addedBytes({ ...spec, drives: [] })).toBe(drives - 36);
  const fits = { ...spec, commandLine: "x".repeat(2047 - drives) };
  await (await like({}).start(fits)).kill();
  const error = await failure(like({}).start({ ...fits, commandLine: `${fits.commandLine}x` }));
  expect(error.message).toContain(`Firecracker adds ${drives}, wanted at most 2047 together`);
  // On the other architecture one console, however many devices.
  expect(addedBytes({ ...spec, arch: "aarch64", drives: [] })).toBe(
    addedBytes({ ...spec, arch: "aarch64" }),
  );
});

test("what Firecracker cannot do is refused before anything starts", async () => {
  setFaults([{ call: "spawn", pathPrefix: "", nth: 1, errno: "EIO" }]);
  const refused = async (changes: Partial<MachineSpec>): Promise<string> => {
    const error = await failure(like({}).start({ ...spec, ...changes }));
    return `${error.message} ${error.hint}`;
  };
  expect(await refused({ accel: "tcg" })).toContain("--vmm qemu");
  expect(await refused({ cpus: 33 })).toContain("at most 32");
  expect(await refused({ network: "user" })).toContain("--network relay");
  truncateSync(spec.drives[0]!.path, 1000);
  expect(await refused({})).toContain("has 1000 bytes");
  expect(left()).toEqual([]);
});

test("how a guest ends depends on the architecture, and its words with it", () => {
  const vmm = firecracker();
  expect(vmm.guestEnds("x86_64")).toBe("restart");
  expect(vmm.guestEnds("aarch64")).toBe("power-off");
  expect(vmm.kernelWords("x86_64")).toContain("reboot=k");
  expect(vmm.kernelWords("aarch64")).not.toContain("reboot=k");
  // Without it the serial port does not exist on aarch64.
  expect(vmm.kernelWords("aarch64")).toContain("console=ttyS0");
});
