/** For tests: containers' storage of our own, and podman's API on it. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START_MS = 20_000;

/** Storage below a directory; vfs needs no mounts. */
export class ContainersStorage {
  readonly #root: string;
  readonly #run: string;

  constructor(directory: string) {
    [this.#root, this.#run] = [join(directory, "storage"), join(directory, "storage-run")];
    mkdirSync(this.#root, { recursive: true });
  }

  /** What skopeo calls an image in here. */
  name(image: string): string {
    return `containers-storage:[vfs@${this.#root}+${this.#run}]${image}`;
  }

  podman(...words: string[]): string {
    return execFileSync("podman", [...this.#options, ...words], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  buildah(...words: string[]): string {
    return execFileSync("buildah", [...this.#options, ...words], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Starts `podman system service` on `socket`. */
  async serve(socket: string): Promise<PodmanService> {
    const words = [...this.#options, "system", "service", "--time", "0", `unix://${socket}`];
    const child = spawn("podman", words, { stdio: "ignore" });
    for (const end = performance.now() + START_MS; !existsSync(socket); await sleep(50)) {
      if (performance.now() < end && child.exitCode === null) continue;
      child.kill("SIGKILL");
      throw new Error("podman system service did not start");
    }
    return new PodmanService(child, socket);
  }

  get #options(): string[] {
    return ["--root", this.#root, "--runroot", this.#run, "--storage-driver", "vfs"];
  }
}

export class PodmanService {
  readonly #child: ChildProcess;
  readonly #socket: string;

  constructor(child: ChildProcess, socket: string) {
    this.#child = child;
    this.#socket = socket;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null) {
      const exited = once(this.#child, "exit");
      this.#child.kill("SIGTERM");
      await exited;
    }
    rmSync(this.#socket, { force: true });
  }
}
