import type { Environment } from "../../host/index.ts";

/** `missing`: it is not there; `warn`: it is, and something is to be known or done. */
export type DoctorState = "ok" | "warn" | "missing";

/** One thing that was looked at. */
export interface DoctorLine {
  /** `KVM`, `qemu-system-x86_64`. */
  readonly check: string;
  readonly state: DoctorState;
  /** What is, in words. */
  readonly found: string;
  /** What wick has it for. */
  readonly purpose: string;
  /** What the user can do about it, where there is anything to do. */
  readonly hint?: string;
  /** Whether `wick run` cannot work without it. */
  readonly isNeeded: boolean;
}

/** What checks are given; they only read. */
export interface DoctorInput {
  readonly environment: Environment;
  readonly workingDirectory: string;
  readonly arch: "x86_64" | "aarch64";
  readonly signal: AbortSignal | undefined;
}

/** One check: the lines of what it has looked at. */
export type DoctorCheck = (input: DoctorInput) => DoctorLine[] | Promise<DoctorLine[]>;
