import { sanitise } from "../../bytes/index.ts";
import { findProgram, listDirectory, mayUse, wickDirectories } from "../../host/index.ts";
import { listKernels, type ListedKernel } from "../../kernel/index.ts";
import type { DoctorInput, DoctorLine } from "./line.ts";

/** The kernel that machines get, and those of the host that could be given. */
export function checkKernels(input: DoctorInput): DoctorLine[] {
  return [keptLine(input), hostLine()];
}

function keptLine({ environment, arch }: DoctorInput): DoctorLine {
  const line = { check: "kernels in the cache", purpose: "what machines boot", isNeeded: true };
  const kept = keptIn(wickDirectories(environment).cache).filter((one) => one.arch === arch);
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

/** A cache that cannot be read is the cache's own line. */
function keptIn(cache: string): ListedKernel[] {
  try {
    return listKernels(cache);
  } catch {
    return [];
  }
}

function hostLine(): DoctorLine {
  const names = listDirectory("/boot")
    .map(({ name }) => name)
    .filter((name) => /^(vmlinu[xz]|Image)-/.test(name));
  const readable = names.filter((name) => mayUse(`/boot/${name}`) === true);
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
