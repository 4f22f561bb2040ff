/** For tests: a containerd of our own, which touches nothing outside its directory. */
import { spawn, execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, closeSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START_MS = 20_000;
const NAMESPACE = "wick";

/** Most is switched off; nothing is cleared away behind the test's back. */
const config = (root: string, state: string, address: string): string => `version = 2
root = "${root}"
state = "${state}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.overlayfs", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.restart", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
address = "${address}"
[ttrpc]
address = "${address}.ttrpc"
[debug]
level = "error"
[plugins."io.containerd.gc.v1.scheduler"]
startup_delay = "24h"
schedule_delay = "24h"
`;

export class Containerd {
  readonly #process: ChildProcess;
  readonly #address: string;
  #views = 0;

  private constructor(process: ChildProcess, address: string) {
    this.#process = process;
    this.#address = address;
  }

  /** Starts one in `directory`, whose path is short enough for a socket. */
  static async start(directory: string): Promise<Containerd> {
    const at = (name: string): string => join(directory, name);
    writeFileSync(at("config.toml"), config(at("root"), at("state"), at("s")));
    const log = openSync(at("log"), "w");
    const child = spawn("containerd", ["--config", at("config.toml")], {
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    const started = new Containerd(child, at("s"));
    for (const end = performance.now() + START_MS; !started.#answers(); await sleep(100)) {
      if (performance.now() < end && child.exitCode === null) continue;
      await started.stop();
      throw new Error(`containerd did not start: ${readFileSync(at("log"), "utf8")}`);
    }
    return started;
  }

  /** Takes in an OCI layout that was packed as a tar archive and unpacks all its images. */
  import(archive: string): void {
    this.#ctr("images", "import", "--snapshotter", "native", "--all-platforms", archive);
  }

  /** The directory of the snapshot `key`, which must not be written to. */
  snapshot(key: string): string {
    const view = `view-${this.#views++}`;
    const snapshots = ["snapshots", "--snapshotter", "native"];
    this.#ctr(...snapshots, "view", view, key);
    // `mount -t bind DIRECTORY TARGET -o …`
    const mount = this.#ctr(...snapshots, "mounts", "/target", view);
    return /^mount -t bind (\S+) \/target /.exec(mount)![1]!;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await exited;
  }

  #answers(): boolean {
    if (!existsSync(this.#address)) return false;
    try {
      this.#ctr("version");
      return true;
    } catch {
      return false;
    }
  }

  #ctr(...words: string[]): string {
    const args = ["--address", this.#address, "--namespace", NAMESPACE, ...words];
    return execFileSync("ctr", args, { encoding: "utf8", stdio: "pipe" });
  }
}
