import { writePrivateFile, type DeathBinding } from "../../host/index.ts";
import type { MachineSpec } from "../vmm.ts";
import { firecrackerFiles } from "./files.ts";

/** Where Firecracker finds its API socket, the vsock's, its log and its metrics; absolute paths. */
export interface Paths {
  readonly api: string;
  readonly vsock: string;
  readonly log: string;
  readonly metrics: string;
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

/** Log or metrics, made by wick: before 1.14 Firecracker opens such files, but makes none. */
export function makeSink(place: Place, which: "log" | "metrics"): void {
  const path = place.host[which];
  writePrivateFile(path, new Uint8Array(0));
  place.own(path);
}
