import { isAbsolute, join } from "node:path";
import { WickError } from "../errors/index.ts";

/** Environment variables as the process has them, or as a test gives them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where wick keeps its things (XDG Base Directory Specification 0.8). */
export interface WickDirectories {
  /** Safe to delete: blobs, kernels, package lists. */
  readonly cache: string;
  /** State of machines. */
  readonly state: string;
}

function directory(environment: Environment, variable: string, fallback: string): string {
  const given = environment[variable];
  // The specification has relative values ignored.
  if (given !== undefined && isAbsolute(given)) return join(given, "wick");
  const home = environment["HOME"];
  if (home === undefined || !isAbsolute(home)) {
    throw new WickError(
      "CONFIG_INVALID",
      `Cannot tell where wick's files belong: neither ${variable} nor HOME is an absolute path`,
      { hint: `set HOME, or ${variable}, to a directory of yours` },
    );
  }
  return join(home, fallback, "wick");
}

/** wick's directories for an environment; WICK_CACHE names the cache itself. */
export function wickDirectories(environment: Environment): WickDirectories {
  const cache = environment["WICK_CACHE"];
  // Each is worked out when it is asked for: whoever names one need not have the other.
  return {
    get cache() {
      if (cache !== undefined && isAbsolute(cache)) return cache;
      return directory(environment, "XDG_CACHE_HOME", ".cache");
    },
    get state() {
      return directory(environment, "XDG_STATE_HOME", ".local/state");
    },
  };
}
