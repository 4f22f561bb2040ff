import { fileURLToPath } from "node:url";
import { initBinary, type GuestArch } from "../../guest/index.ts";
import { statOf } from "../../host/index.ts";
import type { DoctorInput, DoctorLine } from "./line.ts";

/** Node, and what was built of wick for each architecture. */
export function checkWickItself({ arch }: DoctorInput): DoctorLine[] {
  const node: DoctorLine = {
    check: "node",
    state: "ok", // an older one does not come so far
    found: process.versions.node,
    purpose: "runs wick",
    isNeeded: true,
  };
  const other = arch === "x86_64" ? "aarch64" : "x86_64";
  return [node, initLine(arch, true), initLine(other, false)];
}

function initLine(arch: GuestArch, isNeeded: boolean): DoctorLine {
  const size = statOf(fileURLToPath(initBinary(arch)))?.size;
  const line = { check: `init for ${arch}`, purpose: "process 1 of a machine", isNeeded };
  if (size !== undefined) return { ...line, state: "ok", found: `${size} bytes` };
  return {
    ...line,
    state: "missing",
    found: "this wick was built without it",
    hint: `build wick where there is a C compiler for ${arch}`,
  };
}
