import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { findProgram } from "../../src/host/index.ts";

/** Why there can be none with TAPs here; undefined: there can. */
export function noNetwork(): string | undefined {
  if (process.getuid?.() !== 0) return "making networks takes root";
  if (!existsSync("/dev/net/tun")) return "this host has no /dev/net/tun";
  const missing = ["ip", "nft", "unshare", "nsenter"].find(
    (name) => findProgram(name) === undefined,
  );
  if (missing !== undefined) return `${missing} is not installed`;
  try {
    const script = "ip tuntap add dev try0 mode tap && nft add table ip try";
    execFileSync("unshare", ["--net", "sh", "-c", script], { stdio: "ignore" });
    return undefined;
  } catch {
    return "this root may make no network of its own, or no TAP or firewall in it";
  }
}

/** A network of its own, with a loopback device and nothing else: the host's is not touched. */
export class OwnNetwork implements AsyncDisposable {
  readonly #holder: ChildProcess;
  readonly #programs: ChildProcess[] = [];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async make(): Promise<OwnNetwork> {
    const holder = spawn("unshare", ["--net", "sh", "-c", "echo; exec sleep 3600"]);
    await once(holder.stdout, "data");
    const network = new OwnNetwork(holder);
    network.ip("link", "set", "lo", "up");
    return network;
  }

  /** Words before a program that is to run in it. */
  get prefix(): readonly string[] {
    return ["nsenter", `--net=/proc/${this.#holder.pid}/ns/net`];
  }

  ip(...words: string[]): string {
    return this.run("ip", ...words);
  }

  run(...words: string[]): string {
    const [program, ...rest] = [...this.prefix, ...words];
    return execFileSync(program!, rest, { encoding: "utf8" });
  }

  /** A wire to another one: devices `peer0` with an address each, as 203.0.113.1/24. */
  connect(other: OwnNetwork, addresses: readonly [own: string, other: string]): void {
    const peer = ["type", "veth", "peer", "name", "peer0", "netns", String(other.#holder.pid)];
    this.ip("link", "add", "peer0", ...peer);
    for (const [network, address] of [
      [this, addresses[0]],
      [other, addresses[1]],
    ] as const) {
      network.ip("addr", "add", address, "dev", "peer0");
      network.ip("link", "set", "peer0", "up");
    }
  }

  /** Starts a program that says something once it is ready, and ends with this network. */
  async start(...words: string[]): Promise<void> {
    const [program, ...rest] = [...this.prefix, ...words];
    const child = spawn(program!, rest, { stdio: ["ignore", "pipe", "inherit"] });
    this.#programs.push(child);
    await once(child.stdout, "data");
  }

  devices(): readonly string[] {
    return [...this.ip("-o", "link", "show").matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of [...this.#programs, this.#holder]) {
      if (program.exitCode !== null || program.signalCode !== null) continue;
      program.kill("SIGKILL");
      await once(program, "exit");
    }
  }
}
