import { WickError } from "../../errors/index.ts";
import { closest } from "../closest.ts";
import type { PackageRequest } from "./packages.ts";
import { runApt } from "./run-apt.ts";
import type { Watched } from "./stall.ts";

interface Asked {
  readonly packages: readonly PackageRequest[];
  /** apt's arguments for the lists that were asked. */
  readonly arguments: readonly string[];
  /** What went wrong when the lists were fetched. */
  readonly problem: WickError | undefined;
  readonly signal: AbortSignal | undefined;
  readonly watched: Watched;
}

const SHOWN = 5;

/** The error for a package or version that is in no list, with the nearest that are. */
export async function notFound(error: WickError, asked: Asked): Promise<WickError> {
  const words = error.detail.filter((line) => line.startsWith("E: ")).map((line) => line.slice(3));
  const missing = asked.packages.find(({ name }) => words.some((line) => mentions(line, name)));
  const what = missing ?? asked.packages[0]!;
  const names = await ask(asked, ["pkgnames"]);
  const { problem } = asked;
  // With lists missing, the package may well exist.
  if (problem !== undefined || names.length === 0) {
    return new WickError(
      "SOURCE_FAILED",
      `Cannot find the package "${what.name}": the package lists are incomplete`,
      {
        cause: error,
        detail: problem?.detail ?? words,
        hint: problem?.hint ?? "apt has no sources: see sources.list(5)",
      },
    );
  }
  const isVersion = what.version !== undefined && names.includes(what.name);
  const hint = isVersion ? await versionHint(asked, what.name) : nameHint(what.name, names);
  const wanted = isVersion ? `"${what.name}" in version ${what.version}` : `"${what.name}"`;
  return new WickError(
    "SOURCE_NOT_FOUND",
    `Cannot find the package ${wanted}: ${words.join("; ")}`,
    {
      cause: error,
      hint,
    },
  );
}

function mentions(line: string, name: string): boolean {
  return line.split(/[\s']+/).includes(name);
}

function nameHint(name: string, names: readonly string[]): string {
  const near = closest(name, names).slice(0, SHOWN);
  if (near.length > 0) return `did you mean ${near.join(", ")}?`;
  const holding = names
    .filter((other) => other.includes(name))
    .sort()
    .slice(0, SHOWN);
  if (holding.length > 0) return `there are ${holding.join(", ")}`;
  return `search with: apt-cache search ${name}`;
}

async function versionHint(asked: Asked, name: string): Promise<string> {
  const lines = await ask(asked, ["madison", name]);
  const versions = [...new Set(lines.map((line) => line.split("|")[1]?.trim()))];
  return `there is ${versions
    .filter((version) => version !== undefined)
    .slice(0, SHOWN)
    .join(", ")}`;
}

/** Lines of apt-cache's answer; none when it fails, since this only makes a hint better. */
async function ask(asked: Asked, words: readonly string[]): Promise<string[]> {
  try {
    const output = await runApt("apt-cache", [...asked.arguments, ...words], {
      purpose: "look for packages of a similar name",
      signal: asked.signal,
      watched: asked.watched,
    });
    return output.split("\n").filter((line) => line !== "");
  } catch {
    return [];
  }
}
