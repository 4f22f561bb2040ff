import { availableParallelism } from "node:os";
import { WickError } from "../errors/index.ts";
import { readSmallFile } from "./files.ts";

/** The machine's architecture in the kernel's word; UNSUPPORTED on others than wick's two. */
export function hostArch(): "x86_64" | "aarch64" {
  if (process.arch === "x64") return "x86_64";
  if (process.arch === "arm64") return "aarch64";
  throw new WickError(
    "UNSUPPORTED",
    `Cannot work on ${process.arch}: wick knows x86_64 and aarch64`,
  );
}

const BOOT_ID = "/proc/sys/kernel/random/boot_id";
const BOOT_ID_MAX_BYTES = 64;

/** A text that is another one after each start of the host (random(4)); undefined without /proc. */
export function bootId(): string | undefined {
  try {
    return Buffer.from(readSmallFile(BOOT_ID, BOOT_ID_MAX_BYTES)).toString().trim();
  } catch {
    return undefined;
  }
}

/** How many threads can really run at once. */
export function processors(): number {
  return availableParallelism();
}
