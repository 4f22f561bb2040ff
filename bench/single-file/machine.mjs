/** One QEMU for one question: does it serve in so much memory, how many instructions did it take. */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const REQUESTS = 100;
/** A machine that neither answers nor ends in so many `ms` does not serve. */
const DEADLINE_MS = 180_000;

/** Each text is options without spaces in their values. */
const split = (...texts) => texts.flatMap((text) => text.split(" "));

const PLATFORMS = { x86_64: "-M q35 -cpu max", aarch64: "-M virt -cpu cortex-a57" };

function words({ arch, kernel, initrd, drives, commandLine }, mib) {
  const words = split(
    `${PLATFORMS[arch]} -accel tcg -m ${mib}M -smp 1 -nodefaults -no-user-config -display none`,
    "-no-reboot -serial stdio -device virtio-rng-pci -device virtio-net-pci,netdev=n,romfile=",
  );
  words.push("-kernel", kernel, "-append", commandLine);
  if (initrd !== undefined) words.push("-initrd", initrd);
  for (const [i, { path }] of drives.entries()) {
    words.push("-drive", `id=d${i},file=${path},format=raw,if=none,readonly=on`);
    words.push("-device", `virtio-blk-pci,drive=d${i}`);
  }
  return words;
}

function start({ arch }, args) {
  const child = spawn(`qemu-system-${arch}`, args, { stdio: ["ignore", "pipe", "pipe"] });
  const state = { child, console: "", hasEnded: false };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => (state.console += chunk.toString("latin1")));
  }
  state.ended = new Promise((resolve) => child.on("close", resolve));
  void state.ended.then(() => (state.hasEnded = true));
  return state;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** QEMU accepts before anybody listens in the guest: only an answer counts. */
async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
    await response.text();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Whether the machine serves REQUESTS pages, each at the first attempt once one was served. */
export async function serves(machine, mib) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const net = ["-netdev", `user,id=n,hostfwd=tcp:127.0.0.1:${port}-:80`];
  const state = start(machine, [...net, ...words(machine, mib)]);
  try {
    const end = performance.now() + DEADLINE_MS;
    while (!(await answers(url))) {
      if (state.hasEnded || performance.now() > end) return false;
      await sleep(50);
    }
    for (let i = 1; i < REQUESTS; i++) if (!(await answers(url))) return false;
    return true;
  } finally {
    state.child.kill("SIGKILL");
    await state.ended;
  }
}

/** The smallest memory, in MiB, in which `machine` serves three times of three. */
export async function floorOf(machine) {
  let [fails, works] = [16, 256];
  while (works - fails > 1) {
    const middle = Math.floor((fails + works) / 2);
    if (await serves(machine, middle)) works = middle;
    else fails = middle;
  }
  for (let times = 0; times < 3; times++) {
    if (!(await serves(machine, works))) [works, times] = [works + 1, -1];
  }
  return works;
}

/** A connection to QEMU's socket, which is there some time before anybody listens on it. */
async function connectTo(path, state) {
  while (!state.hasEnded) {
    const socket = connect(path);
    const isConnected = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    if (isConnected) return socket;
    await sleep(20);
  }
  throw new Error(`QEMU ended:\n${state.console}`);
}

/** QMP's lines as `ask(command)` and `event(name)`. */
async function control(path, state) {
  const socket = await connectTo(path, state);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const until = async (matches) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("QEMU closed its control connection");
      const message = JSON.parse(value);
      if (matches(message)) return message;
    }
  };
  const ask = (execute) => {
    socket.write(`${JSON.stringify({ execute })}\n`);
    return until((message) => "return" in message || "error" in message);
  };
  await until((message) => "QMP" in message);
  await ask("qmp_capabilities");
  return { ask, event: (name) => until((message) => message.event === name), socket };
}

/**
 * Instructions from power-on (firmware and loader included) until the machine resets itself. One
 * instruction is one nanosecond of the guest's time, so nothing of the host's speed gets in.
 */
export async function instructionsOf(machine, directory) {
  const path = join(directory, "qmp.sock");
  rmSync(path, { force: true });
  const state = start(machine, [
    ...words(machine, 256),
    ...split("-netdev user,id=n -icount shift=0,sleep=off -seed 1 -no-shutdown"),
    ...split("-rtc base=2026-01-01T00:00:00,clock=vm"),
    "-qmp",
    `unix:${path},server=on,wait=off`,
  ]);
  try {
    const qmp = await control(path, state);
    const { data } = await qmp.event("SHUTDOWN");
    if (data.reason !== "guest-reset") throw new Error(`${data.reason}:\n${state.console}`);
    const answer = await qmp.ask("query-replay");
    qmp.socket.destroy();
    return answer.return.icount;
  } finally {
    state.child.kill("SIGKILL");
    await state.ended;
  }
}
