import { writePrivateFile, type DeathBinding } from "../../host/index.ts";
import type { MachineSpec } from "../vmm.ts";
import { firecrackerFiles } from "./files.ts";

/** Where Firecracker finds its API socket, the vsock's and its log; absolute paths. */
export interface Paths {
  readonly api: string;
  readonly vsock: string;
  readonly log: string;
}

/** Where one Firecracker runs: in the machine's private directory, or in a jail. */
export interface Place extends Disposable {
  /** As wick sees them. */
  readonly host: Paths;
  /** As Firecracker sees them: the same, unless it has a root of its own. */
  readonly inside: Paths;
  /** The machine, with Firecracker's paths. */
  readonly spec: MachineSpec;
  /** The command that starts it, up to Firecracker's own arguments. */
  readonly program: string;
  readonly args: readonly string[];
  /** What ends it with wick; the kernel's own way does not survive a change of the user. */
  readonly binding?: DeathBinding;
  /** Hands a socket of wick's to the user that Firecracker runs as. */
  own(path: string): void;
}

/** The private directory itself. */
export function privatePlace(program: string, spec: MachineSpec): Place {
  const files = firecrackerFiles(spec.directory);
  return {
    host: files,
    inside: files,
    spec,
    program,
    args: [],
    own: () => {},
    [Symbol.dispose]: () => files[Symbol.dispose](),
  };
}

/** Made by wick: before 1.14 Firecracker opens its log, but makes none. */
export function makeLog(place: Place): void {
  const { log } = place.host;
  writePrivateFile(log, new Uint8Array(0));
  place.own(log);
}
