import { resolve } from "node:path";
import type { Environment } from "../host/index.ts";
import type { Arch } from "./platform.ts";

/** Where relative paths start and what `-e NAME` takes from. */
export interface Caller {
  readonly environment: Environment;
  readonly workingDirectory: string;
  /** The machine that wick runs on: the guest's unless a platform is given. */
  readonly arch: Arch;
}

/** A path that the caller gave. */
export function absolute(path: string, caller: Caller): string {
  return resolve(caller.workingDirectory, path);
}

export function optionalPath(path: string | undefined, caller: Caller): string | undefined {
  return path === undefined ? undefined : absolute(path, caller);
}
