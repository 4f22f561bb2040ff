import { join } from "node:path";
import { checkPrivateDirectory, fitsSocketPath, guardedDirectory } from "../../host/index.ts";

/** Ports of the guest's vsock on which the host is awaited (docs/channel.md, docs/relay.md). */
export const VSOCK_PORTS = { channel: 1024, relay: 1025 } as const;

/** The longest ending that Firecracker puts behind `uds_path`: a port of 32 bits. */
export const LONGEST_PORT = "_4294967295";

/** Where the files of one Firecracker lie; absolute paths. */
export interface FirecrackerFiles extends Disposable {
  /** The API's socket: Firecracker makes it, and wants it absent. */
  readonly api: string;
  /** `uds_path` of the vsock device: likewise. */
  readonly vsock: string;
  readonly log: string;
  readonly metrics: string;
}

/** Sockets lie in a short directory of their own where a path of `directory`'s would not fit. */
export function firecrackerFiles(directory: string): FirecrackerFiles {
  checkPrivateDirectory(directory);
  const isTooLong = !fitsSocketPath(`${join(directory, "vsock")}${LONGEST_PORT}`);
  const short = isTooLong ? guardedDirectory("vmm", "/tmp") : undefined;
  const sockets = short?.path ?? directory;
  return {
    api: join(sockets, "api"),
    vsock: join(sockets, "vsock"),
    log: join(directory, "firecracker.log"),
    metrics: join(directory, "firecracker-metrics.jsonl"),
    [Symbol.dispose]: () => short?.[Symbol.dispose](),
  };
}

/** The same machine as a config file, to start by hand. */
export function configPath(directory: string): string {
  return join(directory, "firecracker.json");
}

/** Where Firecracker connects when the guest connects to `port` of its host. */
export function guestSocket(vsock: string, port: number): string {
  return `${vsock}_${port}`;
}
