import { parseSize } from "../application/index.ts";
import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import type { RunOptions } from "./options.ts";
import type { VmmName } from "./vmm-options.ts";

/** How drives are read and written, where the VMM lets it be chosen. */
export interface DrivePlan {
  readonly ioEngine: "sync" | "async";
  /** Of each drive; undefined: as fast as it goes. */
  readonly bytesPerSecond: number | undefined;
  readonly requestsPerSecond: number | undefined;
}

const REQUESTS_MOST = 1_000_000;

type Given = Pick<RunOptions, "ioEngine" | "driveRate" | "driveRequests">;

/** USAGE for what QEMU is not asked here, and for numbers that are none. */
export function drivesOf(given: Given, vmm: VmmName): DrivePlan {
  const { ioEngine, driveRate, driveRequests } = given;
  const named = {
    "--io-engine": ioEngine,
    "--drive-rate": driveRate,
    "--drive-requests": driveRequests,
  };
  const [option] = Object.entries(named).find(([, value]) => value !== undefined) ?? [];
  if (option !== undefined && vmm !== "firecracker") {
    throw new WickError("USAGE", `Cannot use ${option} with QEMU: it is for Firecracker's drives`, {
      hint: "add --vmm firecracker",
    });
  }
  return {
    ioEngine: ioEngine ?? "sync",
    bytesPerSecond: driveRate === undefined ? undefined : parseRate(driveRate),
    requestsPerSecond: driveRequests === undefined ? undefined : parseRequests(driveRequests),
  };
}

function parseRate(text: string): number {
  const bytes = parseSize(text.replace(/\/s$/, ""), "the rate of the drives");
  // 0 would mean no limit to Firecracker, which nobody asks for by a limit.
  if (bytes > 0) return bytes;
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(text)}" as the rate of the drives: wanted 1 byte a second or more`,
  );
}

function parseRequests(text: string): number {
  const requests = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (requests >= 1 && requests <= REQUESTS_MOST) return requests;
  throw new WickError(
    "USAGE",
    `Cannot use "${sanitise(text)}" as the drives' requests a second: wanted a whole number from 1 to ${REQUESTS_MOST}`,
  );
}
