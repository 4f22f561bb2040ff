/** A `wick run` of the death matrix: how far it has come, its processes, and what it leaves. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { namesIn, startWick } from "./drill.mjs";

/** Ports of test/support/guest/relay-server.c: one sends back, one counts, one kills the relay. */
export const ECHO = 7;
export const COUNTS = 80;
export const KILLS_RELAY = 26;

/** What stderr says where a phase begins. */
const MARKS = {
  starting: "-> Start the machine",
  booting: "ok Start the machine",
  idle: `-> ${KILLS_RELAY}/tcp`,
};

export class DrillMachine {
  /** The application's source is built anew whenever `at.label` has changed. */
  constructor(at, { path }) {
    const ports = [`${at.port}:${COUNTS}`, ECHO, KILLS_RELAY].flatMap((port) => ["-p", port]);
    const how = ["--accel", "tcg", "--network", "relay", "--format", "initramfs"];
    const words = [...how, ...ports, "--label", `drill=${at.label}`, `bin:${at.program}`];
    const env = { TMPDIR: at.temporary, PATH: path, WICK_VMM: "qemu" };
    this.at = at;
    Object.assign(this, startWick(["run", ...words.map(String)], { cache: at.cache, env }));
    this.ended = false;
    void this.done.then(() => (this.ended = true));
  }

  /** Waits for the beginning of a phase; false: wick has ended before. */
  async reaches(phase) {
    while (!this.texts.stderr.includes(MARKS[phase])) {
      if (this.ended) return false;
      await sleep(5);
    }
    return true;
  }

  /** Where the guest's port is published. */
  hostPort(port) {
    return Number(new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${port}/tcp`).exec(this.texts.stderr)?.[1]);
  }

  /** A connection that sends and gets all the time; `broken` resolves when it is reset. */
  async busyConnection() {
    const socket = connect({ port: this.hostPort(ECHO), host: "127.0.0.1" });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    socket.write(Buffer.alloc(1 << 16, "x"));
    socket.on("data", (chunk) => void socket.write(chunk));
    return { socket, broken: new Promise((resolve) => socket.once("close", resolve)) };
  }

  async answers() {
    try {
      const url = `http://127.0.0.1:${this.at.port}/`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
      return /^\d+$/.test(await answer.text());
    } catch {
      return false;
    }
  }

  /** The relay's process dies in `ms`, by the guest's own hand. */
  async killRelayIn(ms) {
    const socket = connect({ port: this.hostPort(KILLS_RELAY), host: "127.0.0.1" });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    await new Promise((resolve) => socket.write(`${ms}\n`, resolve));
  }

  /** The VMM's pid; undefined when there is none yet, or any more. */
  vmm() {
    return childrenOf(this.child.pid).find((pid) =>
      / -M .* -kernel /.test(processOf(pid)?.command),
    );
  }

  /** The shell that ends the VMM when wick's end of the pipe closes: its child, since exec. */
  launcher() {
    const vmm = this.vmm();
    return vmm && childrenOf(vmm).find((pid) => processOf(pid)?.command.includes("qemu-system"));
  }
}

function childrenOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1");
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // gone meanwhile
  }
}

/** A process as /proc shows it; a zombie is none. */
function processOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    if (/\) [ZX] /.test(stat)) return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ").trim();
    return { pid, command };
  } catch {
    return undefined; // gone meanwhile
  }
}

/** All processes of the host. */
function processes() {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processOf(Number(name)))
    .filter((one) => one !== undefined);
}

/** What is there of a machine that should be gone, a sentence each. */
export async function remains({ directory, temporary, port, cache }) {
  const living = processes().filter(
    ({ pid, command }) => pid !== process.pid && isOurs({ pid, command, directory, temporary }),
  );
  return [
    ...living.map(({ pid, command }) => `process ${pid} lives: ${command.slice(0, 100)}`),
    ...namesIn(temporary).map((name) => `${name} is left in TMPDIR`),
    ...((await listens(port)) ? [`port ${port} is listened on`] : []),
    ...locked(cache).map((name) => `${name} is locked`),
  ];
}

/** Who names the drill's directory, or got its TMPDIR; not this drill, nor who started it. */
function isOurs({ pid, command, directory, temporary }) {
  if (command.includes(`${directory}/`)) return true;
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1")
      .split("\0")
      .includes(`TMPDIR=${temporary}`);
  } catch {
    return false;
  }
}

async function listens(port) {
  const socket = connect({ port, host: "127.0.0.1" });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** The store's locks, and those of what lies in its tmp, that somebody holds. */
function locked(cache) {
  const claims = namesIn(join(cache, "tmp")).map((name) => join("tmp", name));
  return ["store.lock", ...claims].filter((name) => {
    try {
      execFileSync("flock", ["-n", join(cache, name), "true"], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
}
