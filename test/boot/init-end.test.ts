import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { exitStatus, type ExecReason, type InitRecords } from "../../src/guest/index.ts";
import { bootParts, rootArchive, type BootParts } from "../support/boot-parts.ts";
import { startInitramfs, type BootSpec } from "../support/booted-machine.ts";
import { elfHead } from "../support/elf-head.ts";

let boot: BootParts;
let root: Buffer;

beforeAll(async () => {
  boot = await bootParts();
  const records: InitRecords = { argv: ["/bin/sh", "-c", "exit 0"], env: ["PATH=/opt:/bin"] };
  root = rootArchive(boot, records, {
    "opt/no-loader": elfHead({ machine: "x86_64", loader: "/lib/ld-nothing.so.1" }),
    "opt/foreign": elfHead({ machine: "riscv" }),
  });
});

const start = (records: InitRecords, spec: Partial<BootSpec> = {}) =>
  startInitramfs(boot, root, records, spec);

async function endOf(records: InitRecords, spec: Partial<BootSpec> = {}) {
  return (await start(records, spec)).end();
}

const sh = (script: string): InitRecords => ({ argv: ["sh", "-c", script] });

test("an application that exits 0 is reported, and its output is all that the console shows", async () => {
  const result = await endOf(sh("echo 'all there is'"));
  expect(result.final).toEqual({ kind: "exited", status: 0 });
  expect(result.console.slice(result.console.indexOf("all there is"))).toBe("all there is\n");
  expect(result.code).toBe(0);
  const kinds = result.reports.map((r) => (r.kind === "mark" ? r.name : r.kind));
  expect(kinds).toEqual(["hello", "stage1", "stage2", "started", "application", "ended", "exited"]);
});

test("status 7 comes back whatever the console says", async () => {
  const lie = "echo 'wick-init: application exited with status 0'; exit 7";
  const result = await endOf(sh(lie));
  expect(result.console).toContain("wick-init: application exited with status 0\n");
  expect(result.final).toEqual({ kind: "exited", status: 7 });
});

test.each([
  ["a record", { ending: "restart" }, ""],
  ["reboot= on the kernel's line, where no record does,", {}, "reboot=t"],
] as const)("%s asks for a restart", async (_, records, commandLine) => {
  const result = await endOf(records, { commandLine, channel: false });
  expect(result.console).toContain("reboot: Restarting system");
});

test("an application killed by a signal is 128 + n", async () => {
  const result = await endOf(sh("kill -SEGV $$"));
  expect(result.final).toEqual({ kind: "signalled", signal: 11, oom: false });
  expect(exitStatus(result.final!)).toBe(139);
});

test("an application that the kernel kills for memory is reported as such", async () => {
  const eat = "a=x; while :; do a=$a$a$a$a; done";
  const result = await endOf(sh(eat), { memoryMiB: 160 });
  expect(result.final).toEqual({ kind: "signalled", signal: 9, oom: true });
  expect(exitStatus(result.final!)).toBe(137);
});

test("stop sends the image's signal, and its handler's status comes back", async () => {
  const trap = "trap 'echo stopping; exit 33' USR1; echo up; while :; do sleep 0.1; done";
  const machine = await start({ ...sh(trap), stopSignal: 10 });
  await machine.untilConsole("up\n");
  machine.send({ kind: "stop", signal: 0, graceMs: 10_000 });
  const result = await machine.end();
  expect(result.final).toEqual({ kind: "exited", status: 33 });
  expect(result.console).toContain("stopping\n");
});

test("an application deaf to the stop signal is killed when the grace is over", async () => {
  const machine = await start(sh("trap '' TERM; echo up; while :; do sleep 0.1; done"));
  await machine.untilConsole("up\n");
  machine.send({ kind: "stop", signal: 0, graceMs: 300 });
  const result = await machine.end();
  expect(result.final).toEqual({ kind: "signalled", signal: 9, oom: false });
});

test("a stop that comes while the machine still starts reaches the application", async () => {
  const machine = await start(sh("while :; do sleep 0.1; done"));
  machine.send({ kind: "stop", signal: 0, graceMs: 20_000 });
  const result = await machine.end();
  expect(result.final).toEqual({ kind: "signalled", signal: 15, oom: false });
});

test("signals from the host and to PID 1 from inside reach the application", async () => {
  const script =
    "trap 'echo got usr1; kill -HUP 1' USR1; trap 'echo got hup; exit 4' HUP; echo up; " +
    "while :; do sleep 0.1; done";
  const machine = await start(sh(script));
  await machine.untilConsole("up\n");
  machine.send({ kind: "signal", number: 10 });
  const result = await machine.end();
  expect(result.console).toMatch(/got usr1\n[^]*got hup\n/u);
  expect(result.final).toEqual({ kind: "exited", status: 4 });
});

interface Refusal {
  readonly program: string;
  readonly status: 126 | 127;
  readonly errno: number;
  readonly reason: ExecReason;
  readonly path: string;
  readonly detail: string;
}

/** The others are tried without a machine in src/guest/explain.test.ts. */
const refusals: readonly Refusal[] = [
  {
    program: "no-such-program",
    status: 127,
    errno: 2,
    reason: "not-found",
    path: "no-such-program",
    detail: "",
  },
  {
    program: "no-loader",
    status: 127,
    errno: 2,
    reason: "loader-missing",
    path: "/opt/no-loader",
    detail: "/lib/ld-nothing.so.1",
  },
  {
    program: "/opt/foreign",
    status: 126,
    errno: 8,
    reason: "wrong-architecture",
    path: "/opt/foreign",
    detail: "riscv, this machine is x86_64",
  },
];

test.each(refusals)("$program cannot be started: $reason", async ({ program, status, ...says }) => {
  const result = await endOf({ argv: [program] });
  expect(result.final).toEqual({ kind: "exec-failed", ...says });
  expect(exitStatus(result.final!)).toBe(status);
});

test("without a channel the console says why an application cannot be started", async () => {
  const result = await endOf({ argv: ["no-such-program"] }, { channel: false });
  expect(result.console).toContain(
    "wick-init: cannot start no-such-program: there is no such file\n",
  );
});

test("without a channel all works and the console has the status", async () => {
  const result = await endOf(sh("exit 3"), { channel: false });
  expect(result.reports).toEqual([]);
  expect(result.console).toContain("wick-init: application exited with status 3\n");
  expect(result.console).toContain("reboot: Power down");
});

test("a host that connects late gets every report from the first on", async () => {
  const machine = await start(sh("echo up; sleep 1; exit 6"), { channel: "later" });
  await machine.untilConsole("up\n");
  await machine.connect();
  const result = await machine.end();
  expect(result.reports.map((r) => r.kind)).toContain("hello");
  expect(result.reports.map((r) => r.kind)).toContain("started");
  expect(result.final).toEqual({ kind: "exited", status: 6 });
});

test("where nobody ever connects the machine ends all the same", async () => {
  const result = await endOf(sh("exit 3"), { channel: "later" });
  expect(result.console).toContain("wick-init: application exited with status 3\n");
  expect(result.console).toContain("reboot: Power down");
});

test("a host that never acknowledges holds the machine for some seconds, not for ever", async () => {
  const machine = await start({});
  machine.acknowledges = false;
  await machine.until("exited");
  const reported = performance.now();
  await machine.end();
  expect(performance.now() - reported).toBeLessThan(12_000);
});

test("of what an application said a host that reads late misses nothing", async () => {
  // More than pipes and sockets on the way hold, and no more than init and its pipe do.
  const machine = await start(sh("seq 1 16000; exit 4"));
  machine.reads(false);
  const ended = () => machine.reports.find((one) => one.kind === "mark" && one.name === "ended");
  await machine.poll(ended, "end", 40_000);
  await sleep(14_000); // a console alone is given ten seconds
  machine.reads(true);
  const result = await machine.end();
  expect(result.final).toEqual({ kind: "exited", status: 4 });
  expect(result.console).toContain("\n15999\n16000\n");
});

test("a frame over the cap closes the channel, and the application goes on", async () => {
  const machine = await start(sh("echo up; sleep 0.5; echo still here"));
  await machine.untilConsole("up\n");
  machine.sendBytes(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 1, 0, 0));
  const result = await machine.end();
  expect(result.console).toContain("closed the channel");
  expect(result.console).toContain("still here\n");
  expect(result.console).toContain("application exited with status 0");
});

test("a machine without any record says so", async () => {
  const result = await (await startInitramfs(boot, Buffer.alloc(0), {})).end();
  expect(result.final).toMatchObject({ kind: "setup-failed", step: "records", errno: 2 });
});
