import { availableParallelism } from "node:os";
import { WickError } from "../errors/index.ts";

/** The machine's architecture in the kernel's word; UNSUPPORTED on others than wick's two. */
export function hostArch(): "x86_64" | "aarch64" {
  if (process.arch === "x64") return "x86_64";
  if (process.arch === "arm64") return "aarch64";
  throw new WickError(
    "UNSUPPORTED",
    `Cannot work on ${process.arch}: wick knows x86_64 and aarch64`,
  );
}

/** How many threads can really run at once. */
export function processors(): number {
  return availableParallelism();
}
