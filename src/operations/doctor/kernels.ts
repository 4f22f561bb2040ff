import { sanitise } from "../../bytes/index.ts";
import {
  type Environment,
  findProgram,
  listDirectory,
  mayRead,
  wickDirectories,
} from "../../host/index.ts";
import { listKernels, type ListedKernel } from "../../kernel/index.ts";
import type { DoctorInput, DoctorLine } from "./line.ts";

/** The kernel that machines get, and those of the host that could be given. */
export function checkKernels(input: DoctorInput): DoctorLine[] {
  return [keptLine(input), hostLine()];
}

function keptLine({ environment, arch }: DoctorInput): DoctorLine {
  const line = { check: "kernels in the cache", purpose: "what machines boot", isNeeded: true };
  const own = environment["WICK_KERNEL"] ?? "";
  if (own !== "") return ownLine(line, own);
  const kept = keptIn(environment).filter((one) => one.arch === arch);
  if (kept.length > 0) {
    const names = kept.map((one) => `${one.package} ${one.version}`).join(", ");
    return { ...line, state: "ok", found: names };
  }
  if (findProgram("apt-get") !== undefined) {
    const found = "none; the first run fetches the distribution's";
    return { ...line, state: "ok", found };
  }
  const hint = "give one with --kernel FILE, or WICK_KERNEL";
  return { ...line, state: "missing", found: "none, and no apt-get to fetch one with", hint };
}

/** A kernel of the user's own is the one that counts. */
function ownLine(line: Omit<DoctorLine, "state" | "found">, path: string): DoctorLine {
  const found = `WICK_KERNEL is ${sanitise(path)}`;
  if (mayRead(path)) return { ...line, state: "ok", found };
  const hint = "name a kernel that this user may read, or leave WICK_KERNEL out";
  return { ...line, state: "missing", found: `${found}, which cannot be read`, hint };
}

/** A cache that cannot be read, or has no place, is the cache's own line. */
function keptIn(environment: Environment): ListedKernel[] {
  try {
    return listKernels(wickDirectories(environment).cache);
  } catch {
    return [];
  }
}

function hostLine(): DoctorLine {
  const names = listDirectory("/boot")
    .map(({ name }) => name)
    .filter((name) => /^(vmlinu[xz]|Image)-/.test(name));
  const readable = names.filter((name) => mayRead(`/boot/${name}`));
  const line = {
    check: "kernels of the host",
    purpose: "for --kernel and wick kernel import",
    isNeeded: false,
  };
  if (names.length > 0) return { ...line, state: "ok", found: readableWords(names, readable) };
  const hint = "nothing: wick fetches the distribution's where none is given";
  return { ...line, state: "missing", found: "none in /boot", hint };
}

function readableWords(names: readonly string[], readable: readonly string[]): string {
  const closed = names.length - readable.length;
  const words = names.map((name) => sanitise(name)).join(", ");
  return closed === 0 ? words : `${words} (${closed} not readable for this user)`;
}
