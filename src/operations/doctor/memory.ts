import { readSmallFile, statOf } from "../../host/index.ts";
import type { DoctorLine } from "./line.ts";

/** `wick run`'s own 256 MiB, QEMU's and wick's. */
const COMFORTABLE_MIB = 512;
/** A machine of -m 64m and the programs around it. */
const LEAST_MIB = 192;

/** What a new machine could have. */
export function checkMemory(): DoctorLine[] {
  const mib = Math.floor(availableBytes() / (1 << 20));
  const state = mib >= COMFORTABLE_MIB ? "ok" : mib >= LEAST_MIB ? "warn" : "missing";
  return [
    {
      check: "memory",
      state,
      found: `${mib} MiB available`,
      purpose: "a machine has 256 MiB unless -m says otherwise",
      ...(state === "ok" ? {} : { hint: "end other programs, or give machines less with -m" }),
      isNeeded: true,
    },
  ];
}

/** MemAvailable (proc(5)), or what this control group may still have, if that is less. */
function availableBytes(): number {
  const text = Buffer.from(readSmallFile("/proc/meminfo")).toString("latin1");
  const kib = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
  const limit = numberIn("/sys/fs/cgroup/memory.max");
  const used = numberIn("/sys/fs/cgroup/memory.current");
  const left = limit === undefined || used === undefined ? Number.POSITIVE_INFINITY : limit - used;
  return Math.min(kib * 1024, Math.max(0, left));
}

/** A control group's file with one number; `max`, and no file, is none. */
function numberIn(path: string): number | undefined {
  if (statOf(path) === undefined) return undefined;
  const text = Buffer.from(readSmallFile(path)).toString("latin1").trim();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
