import { join } from "node:path";
import { isWickError, type WickError } from "../../errors/index.ts";
import {
  listDirectory,
  makeNewDirectory,
  movePath,
  randomName,
  readSymlink,
  removeAbandoned,
  replaceSymlink,
  temporaryDirectory,
  tryHardLink,
  unixSeconds,
} from "../../host/index.ts";
import { type AptPlaces, aptArguments } from "./apt-config.ts";
import { aptError } from "./apt-errors.ts";
import { isResolved } from "./resolved.ts";
import { runApt } from "./run-apt.ts";

/** The name of the link to the lists in use, and the beginning of theirs. */
const CURRENT = "lists";
const PREFIX = "lists-";

/** Lists are looked at anew after a day. */
const FRESH_SECONDS = 24 * 3600;

/** Package lists that are in use. */
export interface Lists {
  readonly path: string;
  readonly isFresh: boolean;
}

/** What a refresh needs. */
export interface RefreshOptions {
  /** The directory of one architecture's lists. */
  readonly directory: string;
  readonly architecture: string;
  readonly places: Omit<AptPlaces, "listsPath">;
  readonly signal: AbortSignal | undefined;
}

/** The lists in use in `directory`; undefined when none were ever fetched. */
export function currentLists(directory: string): Lists | undefined {
  const name = readSymlink(join(directory, CURRENT));
  const found = listDirectory(directory).find((entry) => entry.name === name);
  if (found === undefined) return undefined;
  const path = join(directory, found.name);
  const age = unixSeconds() - found.changedAt;
  return { path, isFresh: age >= 0 && age < FRESH_SECONDS && hasPackages(path) };
}

/**
 * Fetches the lists into a directory of their own, which then takes the place of the old one
 * in one step: processes that share the cache neither wait for nor disturb each other.
 * Unreachable or badly signed sources are left out; `problem` then has apt's words. With
 * nothing at all to show for it, that is thrown.
 */
export async function refreshLists(
  options: RefreshOptions,
): Promise<Lists & { readonly problem?: WickError }> {
  const { directory } = options;
  sweep(directory);
  using work = temporaryDirectory("lists", directory);
  makeNewDirectory(join(work.path, "partial"));
  const old = currentLists(directory);
  // apt asks the archive only for what changed since.
  if (old !== undefined) seed(old.path, work.path);
  const problem = await update(work.path, options);
  if (!hasPackages(work.path)) {
    if (problem !== undefined) throw problem;
    if (old !== undefined) return old;
  }
  const name = `${PREFIX}${randomName()}`;
  movePath(work.path, join(directory, name));
  replaceSymlink(join(directory, CURRENT), name);
  const path = join(directory, name);
  return { path, isFresh: true, ...(problem === undefined ? {} : { problem }) };
}

async function update(
  listsPath: string,
  { places, architecture, signal }: RefreshOptions,
): Promise<WickError | undefined> {
  const action = "fetch the package lists";
  try {
    const args = aptArguments({ ...places, listsPath }, architecture);
    await runApt("apt-get", [...args, "-q", "update"], {
      purpose: action,
      signal,
      watched: [listsPath, join(listsPath, "partial")],
    });
    return undefined;
  } catch (error) {
    const told = aptError(error, action);
    if (isWickError(told, "SOURCE_FAILED")) return told;
    throw told;
  }
}

function hasPackages(listsPath: string): boolean {
  return listDirectory(listsPath).some(({ name }) => /_Packages(\.\w+)?$/.test(name));
}

function seed(from: string, to: string): void {
  for (const { name, isDirectory } of listDirectory(from)) {
    if (!isDirectory && !isResolved(name)) tryHardLink(join(from, name), join(to, name));
  }
}

/** What a killed process left, and lists that were replaced long enough ago. */
function sweep(directory: string): void {
  const current = readSymlink(join(directory, CURRENT));
  removeAbandoned(directory, (name) => name.startsWith(PREFIX) && name !== current);
}
