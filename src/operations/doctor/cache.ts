import { dirname } from "node:path";
import { sanitise } from "../../bytes/index.ts";
import { isWickError } from "../../errors/index.ts";
import { freeBytes, mayUse, statOf, wickDirectories } from "../../host/index.ts";
import type { DoctorInput, DoctorLine } from "./line.ts";

/** A large image, its layers and what is built of them. */
const COMFORTABLE_MIB = 2048;
/** The distribution's kernel and a small image. */
const LEAST_MIB = 128;

const line = { check: "cache", purpose: "kernels, packages, images", isNeeded: true } as const;

/** The cache: whether it can be written, and how much goes in. */
export function checkCache({ environment }: DoctorInput): DoctorLine[] {
  try {
    return [lineOf(wickDirectories(environment).cache)];
  } catch (error) {
    if (!isWickError(error, "CONFIG_INVALID")) throw error;
    const { message: found, hint } = error;
    return [{ ...line, state: "missing", found, ...(hint === undefined ? {} : { hint }) }];
  }
}

function lineOf(cache: string): DoctorLine {
  const place = nearest(cache);
  const shown = sanitise(cache);
  const obstacle = obstacleAt(place);
  if (obstacle !== undefined) {
    const hint = "name a directory of yours with WICK_CACHE";
    return { ...line, state: "missing", found: `${shown}: ${obstacle}`, hint };
  }
  const mib = Math.floor(freeBytes(place) / (1 << 20));
  const state = mib >= COMFORTABLE_MIB ? "ok" : mib >= LEAST_MIB ? "warn" : "missing";
  const found = `${shown}, ${mib} MiB free`;
  const hint = "wick prune frees some, WICK_CACHE names another place";
  return { ...line, state, found, ...(state === "ok" ? {} : { hint }) };
}

/** Why nothing can be written there; undefined where it can. */
function obstacleAt(place: string): string | undefined {
  if (mayUse(place) !== true) return "this user may not write it";
  return statOf(place)?.isDirectory() === true ? undefined : `${sanitise(place)} is no directory`;
}

/** The directory itself, or what is there of the way to it; a way that is closed leads nowhere. */
function nearest(path: string): string {
  try {
    return statOf(path) !== undefined || dirname(path) === path ? path : nearest(dirname(path));
  } catch {
    return path;
  }
}
